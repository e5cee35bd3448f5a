#include "cdb/rollout/policy.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <set>

#include <fmt/format.h>

#include "base/text/text.h"

namespace cdb::rollout {
namespace {

using base::Errc;
using base::fail;
using base::Result;
using base::profile::Value;

constexpr std::size_t max_waves = 50;
constexpr std::size_t max_windows = 20;
constexpr std::size_t max_name = 64;
constexpr std::array<std::string_view, 7> days{"Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"};

Result<> only(const Value& object, std::initializer_list<std::string_view> allowed, const std::string& what) {
  if (!object.is_dict()) return fail(Errc::invalid, fmt::format("{} must have members, as in {{name: canary}}", what));
  const std::vector<std::string> names(allowed.begin(), allowed.end());
  for (const auto& [name, value] : *object.dict()) {
    if (std::find(allowed.begin(), allowed.end(), name) == allowed.end())
      return fail(Errc::invalid, fmt::format("{} has no member '{}'{}", what, name, base::text::did_you_mean_suffix(name, names)),
                  "its members: " + base::text::join(names, ", "));
  }
  return {};
}

Result<std::string> text(const Value& object, std::string_view name, std::string fallback, const std::string& what) {
  const auto* value = object.get(name);
  if (!value) return fallback;
  if (!value->is_string()) return fail(Errc::invalid, fmt::format("{}: '{}' must be a text", what, name));
  if (value->string()->size() > max_name)
    return fail(Errc::invalid, fmt::format("{}: '{}' is longer than {} bytes", what, name, max_name));
  return *value->string();
}

Result<std::string> choice(const Value& object, std::string_view name, std::initializer_list<std::string_view> choices,
                           const std::string& what) {
  auto given = WEFT_TRY(text(object, name, std::string(*choices.begin()), what));
  if (std::find(choices.begin(), choices.end(), given) != choices.end()) return given;
  const std::vector<std::string> names(choices.begin(), choices.end());
  return fail(Errc::invalid,
              fmt::format("{}: '{}' cannot be '{}'{}", what, name, given, base::text::did_you_mean_suffix(given, names)),
              "one of: " + base::text::join(names, ", "));
}

Result<bool> flag(const Value& object, std::string_view name, bool fallback, const std::string& what) {
  const auto* value = object.get(name);
  if (!value) return fallback;
  if (!value->is_boolean()) return fail(Errc::invalid, fmt::format("{}: '{}' must be true or false", what, name));
  return *value->boolean();
}

Result<std::chrono::seconds> duration(const Value& object, std::string_view name, std::chrono::seconds fallback,
                                      const std::string& what) {
  const auto* value = object.get(name);
  if (!value) return fallback;
  auto parsed = value->is_string() ? base::text::parse_duration(*value->string())
                                   : Result<std::chrono::seconds>(fail(Errc::invalid, "not a text"));
  if (!parsed || *parsed > std::chrono::hours(24 * 30))
    return fail(Errc::invalid, fmt::format("{}: '{}' must be a time like 10m, 2h or 3d, 30 days at most", what, name));
  return *parsed;
}

Result<Amount> amount(const Value& value, bool zero, const std::string& what) {
  Amount out;
  if (value.is_integer()) {
    out.number = *value.integer();
  } else if (value.is_string() && value.string()->ends_with('%')) {
    const auto& given = *value.string();
    const auto [end, error] = std::from_chars(given.data(), given.data() + given.size() - 1, out.number);
    if (error != std::errc() || end != given.data() + given.size() - 1) out.number = -1;
    out.percent = true;
  } else {
    out.number = -1;
  }
  if (out.number < (zero ? 0 : 1) || (out.percent && out.number > 100))
    return fail(Errc::invalid, fmt::format("{} must be a number of nodes or a share like \"10%\"", what));
  return out;
}

Result<Wave> parse_wave(const Value& value, std::size_t index) {
  const auto what = fmt::format("wave {}", index + 1);
  WEFT_TRY(only(value, {"name", "nodes", "select", "by", "gate", "soak"}, what));
  Wave wave;
  wave.name = WEFT_TRY(text(value, "name", what, what));
  if (wave.name.empty()) return fail(Errc::invalid, what + ": 'name' must not be empty");
  wave.by = WEFT_TRY(text(value, "by", "", what));
  wave.manual = WEFT_TRY(choice(value, "gate", {"auto", "manual"}, what)) == "manual";
  wave.soak = WEFT_TRY(duration(value, "soak", wave.soak, what));
  if (const auto* nodes = value.get("nodes")) wave.nodes = WEFT_TRY(amount(*nodes, false, what + ": 'nodes'"));
  if (!wave.by.empty() && wave.nodes)
    return fail(Errc::invalid, what + " has both 'nodes' and 'by'",
                "'by' takes all nodes, one value of the attribute after the other");
  if (const auto* select = value.get("select")) {
    if (!select->is_dict() || select->dict()->empty())
      return fail(Errc::invalid, what + ": 'select' must be attributes with their patterns, as in {role: disk}");
    for (const auto& [name, pattern] : *select->dict()) {
      if (!pattern.is_string() && !pattern.is_integer())
        return fail(Errc::invalid, fmt::format("{}: 'select': '{}' must be a text with * and ?", what, name));
    }
    wave.select = *select->dict();
  }
  if (!wave.nodes && wave.by.empty() && wave.select.empty())
    return fail(Errc::invalid, what + " takes all nodes: there is nothing to wait for",
                "give 'nodes', 'select' or 'by'; what is left over is a last wave by itself");
  return wave;
}

Result<int> minutes(std::string_view text, const std::string& whole) {
  int hour = -1, minute = -1;
  const auto colon = text.find(':');
  if (colon == 2 && text.size() == 5) {
    std::from_chars(text.data(), text.data() + 2, hour);
    std::from_chars(text.data() + 3, text.data() + 5, minute);
  }
  if (hour < 0 || hour > 24 || minute < 0 || minute > 59 || (hour == 24 && minute != 0))
    return fail(Errc::invalid, fmt::format("window '{}': '{}' is no time of the day", whole, text),
                "write it as in \"Mon-Fri 09:00-16:00\" (UTC)");
  return hour * 60 + minute;
}

Result<int> day(std::string_view text, const std::string& whole) {
  for (std::size_t i = 0; i < days.size(); ++i) {
    if (days[i] == text) return static_cast<int>(i);
  }
  return fail(Errc::invalid, fmt::format("window '{}': '{}' is no day", whole, text), "days: Mon Tue Wed Thu Fri Sat Sun");
}

Result<Window> parse_window(const Value& value) {
  if (!value.is_string() || value.string()->size() > max_name)
    return fail(Errc::invalid, "'window' must be a list of texts like \"Mon-Fri 09:00-16:00\"");
  const auto& whole = *value.string();
  const auto words = base::text::split(whole, ' ');
  if (words.size() > 2 || words.back().find('-') == std::string::npos)
    return fail(Errc::invalid, fmt::format("window '{}' is none", whole), "write it as in \"Mon-Fri 09:00-16:00\" (UTC)");
  Window window;
  if (words.size() == 2) {
    const auto dash = words[0].find('-');
    window.first_day = WEFT_TRY(day(words[0].substr(0, dash), whole));
    window.last_day = dash == std::string::npos ? window.first_day : WEFT_TRY(day(words[0].substr(dash + 1), whole));
  }
  const auto dash = words.back().find('-');
  window.begin = WEFT_TRY(minutes(std::string_view(words.back()).substr(0, dash), whole));
  window.end = WEFT_TRY(minutes(std::string_view(words.back()).substr(dash + 1), whole));
  return window;
}

bool day_within(const Window& window, int day) {
  return window.first_day <= window.last_day ? day >= window.first_day && day <= window.last_day
                                             : day >= window.first_day || day <= window.last_day;
}

}  // namespace

std::size_t Amount::of(std::size_t all) const {
  const auto count = static_cast<std::size_t>(number);
  if (!percent) return std::min(count, all);
  return number == 0 || all == 0 ? 0 : std::max<std::size_t>(1, (all * count + 99) / 100);
}

base::Result<Policy> parse_policy(const Value& document) {
  const std::string what = "the policy";
  WEFT_TRY(
      only(document,
           {"waves", "max_failed", "apply_within", "on_regression", "silent_after", "silent", "skip_states", "alarms", "window"},
           what));
  Policy policy;
  const auto* waves = document.get("waves");
  if (!waves || !waves->is_list() || waves->list()->empty())
    return fail(Errc::invalid, "the policy has no waves", "give at least a canary: waves: [{name: canary, nodes: 1}]");
  if (waves->list()->size() > max_waves) return fail(Errc::invalid, fmt::format("a policy has at most {} waves", max_waves));
  std::set<std::string> names;
  for (std::size_t i = 0; i < waves->list()->size(); ++i) {
    policy.waves.push_back(WEFT_TRY(parse_wave((*waves->list())[i], i)));
    if (!names.insert(policy.waves.back().name).second)
      return fail(Errc::invalid, fmt::format("two waves are called '{}'", policy.waves.back().name));
  }
  if (const auto* failed = document.get("max_failed")) policy.max_failed = WEFT_TRY(amount(*failed, true, "'max_failed'"));
  policy.apply_within = WEFT_TRY(duration(document, "apply_within", policy.apply_within, what));
  policy.revert = WEFT_TRY(choice(document, "on_regression", {"halt", "revert"}, what)) == "revert";
  policy.silent_after = WEFT_TRY(duration(document, "silent_after", policy.silent_after, what));
  const auto silent = WEFT_TRY(choice(document, "silent", {"skip", "wait", "fail"}, what));
  policy.silent = silent == "skip" ? Policy::Silent::skip : silent == "wait" ? Policy::Silent::wait : Policy::Silent::fail;
  policy.alarms = WEFT_TRY(flag(document, "alarms", policy.alarms, what));
  if (const auto* states = document.get("skip_states")) {
    if (!states->is_list()) return fail(Errc::invalid, "'skip_states' must be a list of states");
    for (const auto& state : *states->list()) {
      if (!state.is_string()) return fail(Errc::invalid, "'skip_states' must be a list of states");
      policy.skip_states.push_back(*state.string());
    }
  }
  if (const auto* windows = document.get("window")) {
    if (!windows->is_list() || windows->list()->empty() || windows->list()->size() > max_windows)
      return fail(Errc::invalid,
                  fmt::format("'window' must be a list of 1 to {} texts like \"Mon-Fri 09:00-16:00\"", max_windows));
    for (const auto& window : *windows->list()) policy.windows.push_back(WEFT_TRY(parse_window(window)));
  }
  return policy;
}

bool within(const std::vector<Window>& windows, std::chrono::system_clock::time_point now) {
  if (windows.empty()) return true;
  const auto midnight = std::chrono::floor<std::chrono::days>(now);
  const int today = static_cast<int>(std::chrono::weekday(midnight).iso_encoding()) - 1;
  const int minute = static_cast<int>(std::chrono::duration_cast<std::chrono::minutes>(now - midnight).count());
  return std::any_of(windows.begin(), windows.end(), [&](const Window& window) {
    if (window.begin < window.end) return day_within(window, today) && minute >= window.begin && minute < window.end;
    // Over midnight: the early part belongs to the day before.
    return (day_within(window, today) && minute >= window.begin) || (day_within(window, (today + 6) % 7) && minute < window.end);
  });
}

}  // namespace cdb::rollout
