#include <fmt/format.h>

#include <algorithm>

#include "base/profile/json.h"
#include "base/text/text.h"
#include "cdb/pan/golden/expectation.h"

namespace cdb::pan::golden {

namespace {

using base::profile::Value;
using Kind = Expectation::Kind;

std::string shown(const Value& value) {
  constexpr std::size_t kMost = 200;
  std::string text = base::profile::to_json(value);
  if (text.size() <= kMost) return text;
  std::size_t end = kMost;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0U) == 0x80U) --end;
  return text.substr(0, end) + "...";
}

// Where the path ends, and what is there instead.
Finding missing(const Expectation& e, const Value& profile) {
  const Value* at = &profile;
  base::profile::Path reached;
  for (const std::string& part : e.path.parts()) {
    const Value* next = base::profile::find(*at, base::profile::Path() / part);
    if (next != nullptr) {
      at = next;
      reached = reached / part;
      continue;
    }
    std::string hint;
    if (at->dict() != nullptr) {
      std::vector<std::string> keys;
      for (const auto& [key, value] : *at->dict()) keys.push_back(key);
      hint = base::text::did_you_mean_suffix(part, keys);
    }
    return {e.line, fmt::format("{} does not exist: {} has no {}{}", e.path.display(), reached.display(), part, hint), {}};
  }
  return {e.line, fmt::format("{} does not exist", e.path.display()), {}};
}

std::optional<std::size_t> length_of(const Value& value) {
  if (value.list() != nullptr) return value.list()->size();
  if (value.dict() != nullptr) return value.dict()->size();
  if (value.string() != nullptr) return java::utf16_length(*value.string());
  return std::nullopt;
}

std::optional<Finding> about_value(const Expectation& e, const Value& profile) {
  const std::string path = e.path.display();
  const Value* value = base::profile::find(profile, e.path);
  if (e.kind == Kind::absent) {
    if (value == nullptr) return std::nullopt;
    return Finding{e.line, fmt::format("{} should be absent, but is {}", path, shown(*value)), {}};
  }
  if (value == nullptr) return missing(e, profile);
  const std::string_view type = base::profile::type_name(value->type());
  switch (e.kind) {
    case Kind::equal:
      if (*value == e.value) return std::nullopt;
      // 1 and 1.0 look alike to many people.
      if (value->type() != e.value.type())
        return Finding{e.line,
                       fmt::format("{} is the {} {}, expected the {} {}", path, type, shown(*value),
                                   base::profile::type_name(e.value.type()), shown(e.value)),
                       {}};
      return Finding{e.line, fmt::format("{} is {}, expected {}", path, shown(*value), shown(e.value)), {}};
    case Kind::type:
      if (type == e.type) return std::nullopt;
      return Finding{e.line, fmt::format("{} is a {}, expected a {}", path, type, e.type), {}};
    case Kind::length: {
      const auto length = length_of(*value);
      if (!length) return Finding{e.line, fmt::format("{} is a {}, which has no length", path, type), {}};
      if (static_cast<std::int64_t>(*length) == *e.value.integer()) return std::nullopt;
      return Finding{e.line, fmt::format("{} has length {}, expected {}", path, *length, *e.value.integer()), {}};
    }
    case Kind::matches: {
      if (value->string() == nullptr) return Finding{e.line, fmt::format("{} is a {}, not a string", path, type), {}};
      const auto found = e.pattern->find(*value->string());
      if (!found) return Finding{e.line, found.error().message, found.error().hint};
      if (*found) return std::nullopt;
      return Finding{e.line, fmt::format("{} is {}, which does not match", path, shown(*value)), {}};
    }
    default: return std::nullopt;
  }
}

bool in_file(std::string_view diagnosed, std::string_view wanted) {
  return diagnosed == wanted || (diagnosed.size() > wanted.size() && diagnosed.ends_with(wanted) &&
                                 diagnosed[diagnosed.size() - wanted.size() - 1] == '/');
}

std::optional<Finding> about_failure(const Expectation& e, const Compiled& compiled, std::string_view file) {
  if (compiled.profile != nullptr) return Finding{e.line, "it compiled, but an error was expected", {}};
  for (const Diagnostic& d : compiled.diagnostics) {
    if (d.severity != Diagnostic::Severity::error) continue;
    const auto found = e.pattern->find(fmt::format("{}: {}", d.kind, d.message));
    if (!found) return Finding{e.line, found.error().message, found.error().hint};
    if (!*found) continue;
    if (e.error_line == 0) return std::nullopt;
    if (d.line == e.error_line && in_file(d.file, e.file.empty() ? file : e.file)) return std::nullopt;
    return Finding{
        e.line,
        fmt::format("the error is in {}:{}, expected in {}:{}", d.file, d.line, e.file.empty() ? file : e.file, e.error_line),
        {}};
  }
  return Finding{e.line, "no error matches; it fails with:\n" + errors_text(compiled), {}};
}

}  // namespace

std::string errors_text(const Compiled& compiled) {
  std::string out;
  for (const Diagnostic& d : compiled.diagnostics) {
    if (d.severity != Diagnostic::Severity::error) continue;
    if (!out.empty()) out += "\n";
    if (!d.file.empty()) out += d.line > 0 ? fmt::format("{}:{}:{}: ", d.file, d.line, d.column) : d.file + ": ";
    out += fmt::format("{}: {}", d.kind, d.message);
    if (!d.path.empty()) out += fmt::format("\nat {}", d.path);
    if (!d.excerpt.empty()) out += "\n" + d.excerpt;
    for (const std::string& step : d.trace) out += "\n" + step;
    if (!d.hint.empty()) out += "\nhint: " + d.hint;
  }
  return out.empty() ? "nothing was said" : out;
}

std::vector<Finding> check(const Expectations& expectations, const Compiled& compiled, std::string_view file) {
  std::vector<Finding> out;
  if (!expectations.of_failure() && compiled.profile == nullptr) {
    out.push_back({0, "it does not compile:\n" + errors_text(compiled), {}});
    return out;
  }
  for (const Expectation& e : expectations.list) {
    auto finding = e.kind == Kind::error      ? about_failure(e, compiled, file)
                   : e.kind == Kind::compiles ? std::nullopt
                                              : about_value(e, *compiled.profile);
    if (finding) out.push_back(std::move(*finding));
  }
  return out;
}

}  // namespace cdb::pan::golden
