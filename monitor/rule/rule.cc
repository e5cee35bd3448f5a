#include "monitor/rule/rule.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/text/text.h"

namespace monitor::rule {
namespace {

using base::Errc;
using base::profile::Type;
using base::profile::Value;

// Reads the fields of one closed record and remembers which there are.
class Record {
 public:
  Record(std::string where, const Value& value) : where_(std::move(where)), value_(value) {}

  base::Result<> text(std::string_view field, std::string& out, bool required = false, std::size_t limit = 1024) {
    const Value* v = WEFT_TRY(typed(field, Type::string));
    if (!v && required) return base::fail(Errc::invalid, fmt::format("{}: {} is missing", where_, field));
    if (!v) return {};
    if (v->string()->size() > limit || (required && v->string()->empty()))
      return base::fail(Errc::invalid, fmt::format("{}: {} must have 1 to {} bytes", where_, field, limit));
    out = *v->string();
    return {};
  }
  base::Result<> flag(std::string_view field, bool& out) {
    const Value* v = WEFT_TRY(typed(field, Type::boolean));
    if (v) out = *v->boolean();
    return {};
  }
  base::Result<> seconds(std::string_view field, std::chrono::seconds& out, std::int64_t least, std::int64_t most) {
    std::int64_t n = out.count();
    WEFT_TRY(integer(field, n, least, most));
    out = std::chrono::seconds(n);
    return {};
  }
  base::Result<> integer(std::string_view field, std::int64_t& out, std::int64_t least, std::int64_t most) {
    const Value* v = WEFT_TRY(typed(field, Type::integer));
    if (!v) return {};
    if (*v->integer() < least || *v->integer() > most)
      return base::fail(Errc::invalid, fmt::format("{}: {} must be {} to {}, is {}", where_, field, least, most, *v->integer()));
    out = *v->integer();
    return {};
  }
  base::Result<const Value*> typed(std::string_view field, Type type) {
    known_.emplace_back(field);
    const Value* v = value_.get(field);
    if (v && v->type() != type)
      return base::fail(Errc::invalid, fmt::format("{}: {} must be a {}, is a {}", where_, field, base::profile::type_name(type),
                                                   base::profile::type_name(v->type())));
    return v;
  }
  base::Result<> closed() const {
    for (const auto& [field, unused] : *value_.dict())
      if (std::find(known_.begin(), known_.end(), field) == known_.end())
        return base::fail(Errc::invalid,
                          fmt::format("{}: unknown field {}{}", where_, field, base::text::did_you_mean_suffix(field, known_)));
    return {};
  }

 private:
  std::string where_;
  const Value& value_;
  std::vector<std::string> known_;
};

base::Result<Actuator> read_actuator(const std::string& where, const Value& value) {
  Record record(where, value);
  Actuator out;
  std::string kind;
  std::int64_t max_runs = out.max_runs;
  WEFT_TRY(record.text("kind", kind, true));
  if (kind != "restart-unit") return base::fail(Errc::invalid, fmt::format("{}: kind must be restart-unit, is {}", where, kind));
  WEFT_TRY(record.text("unit", out.unit, true, 255));
  // One unit, spelled out: no path, no pattern, no option for whoever passes it on.
  if (out.unit.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789@_.:\\-") != std::string::npos ||
      out.unit[0] == '-' || out.unit[0] == '.' || out.unit.find('.') == std::string::npos)
    return base::fail(Errc::invalid,
                      fmt::format("{}: unit must be one unit's full name such as sshd.service, is {}", where, out.unit));
  WEFT_TRY(record.integer("max_runs", max_runs, 1, 100));
  out.max_runs = static_cast<int>(max_runs);
  WEFT_TRY(record.seconds("window", out.window, 60, 604800));
  WEFT_TRY(record.seconds("wait", out.wait, 1, 3600));
  WEFT_TRY(record.seconds("timeout", out.timeout, 1, 3600));
  WEFT_TRY(record.closed());
  return out;
}

}  // namespace

bool valid_rule_name(std::string_view name) {
  auto letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9'); };
  if (name.empty() || name.size() > 64 || !letter(name[0])) return false;
  for (char c : name)
    if (!letter(c) && c != '_' && c != '.' && c != '-') return false;
  return true;
}

base::Result<Rule> read_rule(const std::string& name, const Value& value) {
  std::string where = "rule " + name;
  if (!valid_rule_name(name))
    return base::fail(Errc::invalid, fmt::format("rule name \"{}\": use letters, digits, _ . -, at most 64", name));
  if (!value.is_dict()) return base::fail(Errc::invalid, where + ": must be a dict");
  Record record(where, value);
  std::string condition, severity = "warning", text, procedure, owner;
  bool active = true;
  WEFT_TRY(record.text("condition", condition, true, 4096));
  WEFT_TRY(record.text("severity", severity));
  WEFT_TRY(record.text("text", text, true));
  WEFT_TRY(record.text("procedure", procedure));
  WEFT_TRY(record.text("owner", owner));
  WEFT_TRY(record.flag("active", active));
  if (severity != "info" && severity != "warning" && severity != "critical")
    return base::fail(Errc::invalid, fmt::format("{}: severity must be info, warning or critical, is {}", where, severity));
  auto expression = Expression::parse(condition);
  if (!expression) return base::fail(std::move(expression).error().during("reading the condition of " + where));
  Rule out{name,  std::move(*expression), severity, text, procedure, owner, std::chrono::seconds(10), std::chrono::seconds(0), {},
           active};
  WEFT_TRY(record.seconds("period", out.period, 1, 3600));
  WEFT_TRY(record.seconds("clear_after", out.clear_after, 0, 86400));
  const Value* actuator = WEFT_TRY(record.typed("actuator", Type::dict));
  if (actuator) out.actuator = WEFT_TRY(read_actuator(where + ": actuator", *actuator));
  WEFT_TRY(record.closed());
  return out;
}

}  // namespace monitor::rule
