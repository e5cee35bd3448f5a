#include "monitor/alarm/event.h"

#include <algorithm>
#include <chrono>
#include <cstdint>

#include <fmt/format.h>

#include "base/text/text.h"

namespace monitor::alarm {
namespace {

using base::Errc;
using base::profile::Value;

constexpr std::size_t most_events = 500;

class Reader {
 public:
  Reader(std::string where, const Value& value) : where_(std::move(where)), value_(value) {}

  base::Result<> text(std::string_view name, std::string& out, std::size_t limit, bool required = false) {
    known_.emplace_back(name);
    const Value* v = value_.get(name);
    if (!v && !required) return {};
    if (!v || !v->is_string()) return base::fail(Errc::invalid, fmt::format("{}: '{}' must be a string", where_, name));
    const std::string& content = *v->string();
    if ((required && content.empty()) || content.find('\0') != std::string::npos)
      return base::fail(Errc::invalid, fmt::format("{}: '{}' must not be empty nor hold NUL", where_, name));
    // Cut, not refused: an alarm must not be lost for a long sentence.
    out = content.substr(0, limit);
    while (!base::text::valid_utf8(out)) out.pop_back();
    return {};
  }
  base::Result<> one_of(std::string_view name, std::string& out, std::initializer_list<std::string_view> choices) {
    WEFT_TRY(text(name, out, 64, true));
    if (std::find(choices.begin(), choices.end(), out) == choices.end())
      return base::fail(Errc::invalid, fmt::format("{}: '{}' cannot be {}", where_, name, out));
    return {};
  }
  base::Result<> number(std::string_view name, std::int64_t& out, std::int64_t least, std::int64_t most) {
    known_.emplace_back(name);
    const Value* v = value_.get(name);
    if (!v) return {};
    if (!v->integer() || *v->integer() < least || *v->integer() > most)
      return base::fail(Errc::invalid, fmt::format("{}: '{}' must be a whole number from {} to {}", where_, name, least, most));
    out = *v->integer();
    return {};
  }
  base::Result<> closed() const {
    for (const auto& [name, unused] : *value_.dict())
      if (std::find(known_.begin(), known_.end(), name) == known_.end())
        return base::fail(Errc::invalid, fmt::format("{}: unknown member '{}'", where_, name.substr(0, 60)));
    return {};
  }

 private:
  std::string where_;
  const Value& value_;
  std::vector<std::string> known_;
};

// 2026-11-23T01:02:03.456Z; anything else would be an error of the database that names no event.
bool is_time(std::string_view text) {
  constexpr std::string_view shape = "0000-00-00T00:00:00.000Z";
  if (text.size() != shape.size()) return false;
  for (std::size_t i = 0; i < shape.size(); ++i) {
    bool digit = text[i] >= '0' && text[i] <= '9';
    if (shape[i] == '0' ? !digit : text[i] != shape[i]) return false;
  }
  auto part = [&](std::size_t at, std::size_t length) {
    int n = 0;
    for (char c : text.substr(at, length)) n = n * 10 + (c - '0');
    return n;
  };
  std::chrono::year_month_day date{std::chrono::year(part(0, 4)), std::chrono::month(static_cast<unsigned>(part(5, 2))),
                                   std::chrono::day(static_cast<unsigned>(part(8, 2)))};
  return date.ok() && part(0, 4) >= 1970 && part(11, 2) <= 23 && part(14, 2) <= 59 && part(17, 2) <= 59;
}

base::Result<Event> read_one(const std::string& where, const Value& value) {
  if (!value.is_dict()) return base::fail(Errc::invalid, where + ": must be an object");
  Reader reader(where, value);
  Event out;
  std::string kind, state;
  WEFT_TRY(reader.one_of("kind", kind, {"alarm", "run"}));
  WEFT_TRY(reader.number("seq", out.seq, 1, INT64_MAX));
  if (out.seq == 0) return base::fail(Errc::invalid, where + ": 'seq' is missing");
  WEFT_TRY(reader.text("time", out.time, 64, true));
  WEFT_TRY(reader.text("rule", out.rule, 64, true));
  if (!is_time(out.time)) return base::fail(Errc::invalid, where + ": 'time' must be like 2026-11-23T01:02:03.456Z");
  if (kind == "run") {
    out.kind = Event::Kind::run;
    WEFT_TRY(reader.text("unit", out.unit, 256));
    WEFT_TRY(reader.one_of("outcome", out.outcome, {"ok", "failed", "refused", "unknown"}));
    WEFT_TRY(reader.text("message", out.message, 4096));
    WEFT_TRY(reader.number("run", out.run, 0, 1000000));
    WEFT_TRY(reader.number("of", out.allowed, 0, 1000000));
  } else {
    WEFT_TRY(reader.one_of("state", state, {"raised", "cleared"}));
    WEFT_TRY(reader.text("subject", out.subject, 1024));
    WEFT_TRY(reader.text("why", out.why, 2048));
    out.kind = state == "raised" ? Event::Kind::raised : Event::Kind::cleared;
    if (out.kind == Event::Kind::raised) {
      WEFT_TRY(reader.one_of("severity", out.severity, {"info", "warning", "critical"}));
      WEFT_TRY(reader.text("text", out.text, 1024, true));
      WEFT_TRY(reader.text("procedure", out.procedure, 1024));
      WEFT_TRY(reader.text("owner", out.owner, 1024));
      WEFT_TRY(reader.text("condition", out.condition, 4096));
      WEFT_TRY(reader.text("value", out.value, 64));
    }
  }
  WEFT_TRY(reader.closed());
  return out;
}

}  // namespace

base::Result<Events> read_events(const Value& body) {
  const Value* list = body.get("events");
  Events out;
  out.epoch = body.get_string("epoch");
  if (out.epoch.empty() || out.epoch.size() > 64 || out.epoch.find('\0') != std::string::npos)
    return base::fail(Errc::invalid, "'epoch' must be a string of 1 to 64 bytes");
  if (!list || !list->is_list() || list->list()->empty())
    return base::fail(Errc::invalid, "'events' must be a list that is not empty");
  if (list->list()->size() > most_events)
    return base::fail(Errc::invalid, fmt::format("{} events in one request, {} are allowed", list->list()->size(), most_events));
  for (const auto& [name, unused] : *body.dict())
    if (name != "epoch" && name != "events")
      return base::fail(Errc::invalid, fmt::format("unknown member '{}'", name.substr(0, 60)));
  for (std::size_t i = 0; i < list->list()->size(); ++i) {
    out.events.push_back(WEFT_TRY(read_one(fmt::format("event {}", i + 1), (*list->list())[i])));
    if (i > 0 && out.events[i].seq <= out.events[i - 1].seq)
      return base::fail(Errc::invalid, fmt::format("event {}: 'seq' does not rise", i + 1));
  }
  return out;
}

}  // namespace monitor::alarm
