#include "leaf/workflow/definition.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "base/crypto/crypto.h"
#include "base/text/text.h"
#include "base/yaml/yaml.h"

namespace leaf::workflow {

using base::Errc;
using base::fail;
using base::Result;
using base::profile::Value;

std::chrono::milliseconds Retry::delay(int attempt, double random) const {
  double wait = static_cast<double>(first.count()) * std::pow(2.0, std::clamp(attempt - 1, 0, 30));
  wait = std::min(wait, static_cast<double>(cap.count())) * (0.5 + 0.5 * random);
  return std::chrono::milliseconds(static_cast<std::int64_t>(wait));
}

int Definition::find(std::string_view step) const {
  for (std::size_t i = 0; i < steps.size(); ++i) {
    if (steps[i].name == step) return static_cast<int>(i);
  }
  return -1;
}

namespace {

bool word(std::string_view text) {
  return !text.empty() && text.size() <= 40 && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
  });
}

Result<> only_keys(const Value& dict, const std::vector<std::string>& known, const std::string& where) {
  if (!dict.is_dict()) return fail(Errc::invalid, where + ": expected a mapping");
  for (const auto& [key, value] : *dict.dict()) {
    if (std::find(known.begin(), known.end(), key) == known.end()) {
      return fail(Errc::invalid, fmt::format("{}: unknown key '{}'{}", where, key, base::text::did_you_mean_suffix(key, known)));
    }
  }
  return {};
}

Result<std::string> string_of(const Value& dict, std::string_view key, const std::string& where, bool required) {
  const Value* value = dict.get(key);
  if (!value && !required) return std::string();
  if (!value || !value->is_string() || value->string()->empty()) {
    return fail(Errc::invalid, fmt::format("{}: '{}' must be a text that is not empty", where, key));
  }
  return *value->string();
}

template <class Duration>
Result<> duration_of(const Value& dict, std::string_view key, const std::string& where, Duration& out) {
  const Value* value = dict.get(key);
  if (!value) return {};
  if (!value->is_string()) return fail(Errc::invalid, fmt::format("{}: '{}' must be a duration like 30s or 2h", where, key));
  auto parsed = base::text::parse_duration(*value->string());
  if (!parsed) return fail(std::move(parsed.error()).during(fmt::format("reading '{}' of {}", key, where)));
  if (parsed->count() <= 0) return fail(Errc::invalid, fmt::format("{}: '{}' must be longer than nothing", where, key));
  out = std::chrono::duration_cast<Duration>(*parsed);
  return {};
}

Result<bool> flag_of(const Value& dict, std::string_view key, const std::string& where) {
  const Value* value = dict.get(key);
  if (!value) return false;
  if (!value->is_boolean()) return fail(Errc::invalid, fmt::format("{}: '{}' must be true or false", where, key));
  return *value->boolean();
}

Result<> known(std::string_view what, const std::string& name, const std::vector<std::string>& names, const std::string& where) {
  if (std::find(names.begin(), names.end(), name) != names.end()) return {};
  return fail(Errc::invalid, fmt::format("{}: no {} '{}'{}", where, what, name, base::text::did_you_mean_suffix(name, names)));
}

Result<StepDefinition> parse_step(const Value& doc, const std::string& where, const Vocabulary& vocabulary) {
  WEFT_TRY(only_keys(
      doc,
      {"name", "kind", "why", "guard", "timeout", "poll", "retry", "on_failure", "compensate", "point_of_no_return", "input"},
      where));
  StepDefinition step;
  step.name = WEFT_TRY(string_of(doc, "name", where, true));
  if (!word(step.name))
    return fail(Errc::invalid, fmt::format("{}: step name '{}': lower case letters, digits, '-'", where, step.name));
  step.kind = WEFT_TRY(string_of(doc, "kind", where, true));
  WEFT_TRY(known("step kind", step.kind, vocabulary.kinds, where));
  step.why = WEFT_TRY(string_of(doc, "why", where, true));
  step.guard = WEFT_TRY(string_of(doc, "guard", where, false));
  if (!step.guard.empty()) WEFT_TRY(known("guard", step.guard, vocabulary.guards, where));
  WEFT_TRY(duration_of(doc, "timeout", where, step.timeout));
  WEFT_TRY(duration_of(doc, "poll", where, step.poll));
  if (const Value* retry = doc.get("retry")) {
    WEFT_TRY(only_keys(*retry, {"attempts", "first", "cap"}, where + ": retry"));
    step.retry.attempts = static_cast<int>(retry->get_integer("attempts", step.retry.attempts));
    if (step.retry.attempts < 1 || step.retry.attempts > 1000) {
      return fail(Errc::invalid, where + ": retry attempts must be between 1 and 1000");
    }
    WEFT_TRY(duration_of(*retry, "first", where, step.retry.first));
    WEFT_TRY(duration_of(*retry, "cap", where, step.retry.cap));
  }
  std::string failure = WEFT_TRY(string_of(doc, "on_failure", where, false));
  if (!failure.empty()) {
    WEFT_TRY(known("way to fail", failure, {"human", "compensate"}, where));
    step.on_failure = failure == "human" ? OnFailure::human : OnFailure::compensate;
  }
  step.compensate = WEFT_TRY(flag_of(doc, "compensate", where));
  step.point_of_no_return = WEFT_TRY(flag_of(doc, "point_of_no_return", where));
  if (const Value* input = doc.get("input")) {
    if (!input->is_dict()) return fail(Errc::invalid, where + ": 'input' must be a mapping");
    step.input = *input;
  } else {
    step.input = base::profile::Dict{};
  }
  return step;
}

}  // namespace

Result<Definition> parse_definition(std::string_view yaml, std::string_view name, const Vocabulary& vocabulary) {
  Value doc = WEFT_TRY(base::yaml::parse(yaml, name, 256u << 10));
  std::string where(name);
  WEFT_TRY(only_keys(doc, {"name", "version", "summary", "steps"}, where));
  Definition definition;
  definition.name = WEFT_TRY(string_of(doc, "name", where, true));
  if (!word(definition.name)) return fail(Errc::invalid, where + ": the name is made of lower case letters, digits and '-'");
  definition.version = static_cast<int>(doc.get_integer("version"));
  if (definition.version < 1) return fail(Errc::invalid, where + ": 'version' must be a number from 1");
  definition.summary = WEFT_TRY(string_of(doc, "summary", where, true));
  const Value* steps = doc.get("steps");
  if (!steps || !steps->is_list() || steps->list()->empty())
    return fail(Errc::invalid, where + ": 'steps' must list at least one step");
  std::set<std::string> names;
  bool past = false;
  for (const Value& item : *steps->list()) {
    std::string place = fmt::format("{}: step {}", where, definition.steps.size() + 1);
    StepDefinition step = WEFT_TRY(parse_step(item, place, vocabulary));
    if (!names.insert(step.name).second)
      return fail(Errc::invalid, fmt::format("{}: a second step named '{}'", place, step.name));
    past = past || step.point_of_no_return;
    if (past && step.on_failure == OnFailure::compensate) {
      return fail(Errc::invalid, fmt::format("{}: '{}' cannot compensate at or after the point of no return", place, step.name));
    }
    definition.steps.push_back(std::move(step));
  }
  definition.source = yaml;
  definition.sha256 = base::crypto::sha256_hex(yaml);
  return definition;
}

}  // namespace leaf::workflow
