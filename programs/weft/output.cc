#include "programs/weft/output.h"

#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <span>

#include <fmt/format.h>

#include "base/profile/json.h"
#include "base/text/text.h"

namespace programs::weft {
namespace {

using base::profile::List;
using base::profile::Value;

bool coloured(bool error_stream) {
  static const bool wanted = !std::getenv("NO_COLOR");
  static const bool out = wanted && ::isatty(STDOUT_FILENO), err = wanted && ::isatty(STDERR_FILENO);
  return error_stream ? err : out;
}

std::string_view code(Colour colour) {
  switch (colour) {
    case Colour::plain: return "";
    case Colour::bold: return "\x1b[1m";
    case Colour::dim: return "\x1b[2m";
    case Colour::red: return "\x1b[31m";
    case Colour::green: return "\x1b[32m";
    case Colour::yellow: return "\x1b[33m";
  }
  return "";
}

std::string count(std::int64_t n, std::string_view one) {
  return fmt::format("{} {}{}", n, one, n == 1 ? "" : "s");
}

}  // namespace

std::string change_text(const Value& change, std::size_t width) {
  const auto* before = change.get("before");
  const auto* after = change.get("after");
  const bool has_before = before && before->is_string(), has_after = after && after->is_string();
  if (const auto diff = change.get_string("diff"); !diff.empty()) {
    return fmt::format("    {}\n{}", change.get_string("path"), diff_text(diff, "      "));
  }
  const auto path = fmt::format("{:<{}}", change.get_string("path"), width);
  if (has_before && has_after) {
    // Long values stand below each other, so that the eye finds what differs.
    if (before->string()->size() + after->string()->size() > 80) {
      return fmt::format("    {}\n      {}\n    → {}\n", change.get_string("path"), paint(Colour::red, *before->string()),
                         paint(Colour::green, *after->string()));
    }
    return fmt::format("    {}  {} → {}\n", path, paint(Colour::red, *before->string()), paint(Colour::green, *after->string()));
  }
  if (has_after) return fmt::format("    {}  {}\n", path, paint(Colour::green, "+ " + *after->string()));
  return fmt::format("    {}  {}\n", path, paint(Colour::red, "- " + (has_before ? *before->string() : std::string())));
}

std::string diff_text(std::string_view diff, std::string_view indent) {
  std::string out;
  for (const auto& line : base::text::split(diff, '\n')) {
    if (line.empty()) continue;
    const auto colour = line[0] == '+'   ? Colour::green
                        : line[0] == '-' ? Colour::red
                        : line[0] == '@' ? Colour::dim
                                         : Colour::plain;
    out += fmt::format("{}{}\n", indent, paint(colour, line));
  }
  return out;
}

namespace {

std::string place_text(const Value& place) {
  return fmt::format("{}:{}  {}", place.get_string("file"), place.get_integer("line"), place.get_string("text"));
}

std::string cause_text(const Value& change) {
  const auto* cause = change.get("cause");
  const auto* set_by = change.get("set_by");
  std::string out;
  if (cause) out += fmt::format("      {}\n", paint(Colour::dim, "because " + place_text(*cause)));
  if (set_by && (!cause || !(*set_by == *cause)))
    out += fmt::format("      {}\n", paint(Colour::dim, "set by  " + place_text(*set_by)));
  return out;
}

// What machines will do, and how much of the fabric it is.
std::string effects_text(const Value& plan) {
  std::string out;
  const auto line = [&](std::string_view title, const std::vector<std::string>& parts) {
    if (parts.empty()) return;
    const std::size_t shown = std::min<std::size_t>(parts.size(), 12);
    out += fmt::format("  {}: {}{}\n", title, base::text::join(std::span(parts).first(shown), ", "),
                       shown < parts.size() ? fmt::format(" and {} more", parts.size() - shown) : "");
  };
  std::map<std::string, std::vector<std::string>> units;
  for (const auto& unit : list_of(plan, "units"))
    units[std::string(unit.get_string("action"))].push_back(
        fmt::format("{} ({})", unit.get_string("unit"), count(unit.get_integer("nodes"), "node")));
  for (const auto& [action, names] : units) line(action, names);
  line("runs", [&] {
    std::vector<std::string> commands;
    for (const auto& command : list_of(plan, "commands")) commands.push_back(*command.string());
    return commands;
  }());
  if (const auto* reboot = plan.get("reboot"); reboot && reboot->get_integer("nodes") > 0) {
    out += fmt::format("  {}: {} ({})\n", paint(Colour::red, "reboot"), count(reboot->get_integer("nodes"), "node"),
                       some_names(list_of(*reboot, "paths"), 3));
  }
  const auto* reach = plan.get("reach");
  for (const auto* attribute : {"role", "cluster", "rack"}) {
    if (!reach) break;
    std::vector<std::string> parts;
    for (const auto& one : list_of(*reach, attribute))
      parts.push_back(fmt::format("{} {} of {}", one.get_string("name"), one.get_integer("changed"), one.get_integer("of")));
    line(attribute, parts);
  }
  return out;
}

std::string group_text(const Value& group) {
  const auto& nodes = list_of(group, "nodes");
  const auto& changes = list_of(group, "changes");
  std::string out = fmt::format("\n  {}: {}\n", paint(Colour::bold, count(static_cast<std::int64_t>(nodes.size()), "node")),
                                some_names(nodes, 8));
  std::size_t width = 0;
  for (const auto& change : changes) width = std::max(width, change.get_string("path").size());
  width = std::min<std::size_t>(width, 60);
  std::string last;
  for (const auto& change : changes) {
    out += change_text(change, width);
    // One line often causes many values in a row: it is named once.
    const auto cause = cause_text(change);
    if (cause != last && !cause.empty()) out += cause;
    last = cause;
  }
  if (const auto more = group.get_integer("more"); more > 0) out += fmt::format("    ... and {} more values\n", more);
  return out;
}

std::string indented(std::string_view text, std::string_view indent) {
  std::string out;
  for (const auto& line : base::text::split(text, '\n')) {
    if (!line.empty()) out += fmt::format("{}{}\n", indent, line);
  }
  return out;
}

std::string finding_text(const Value& d) {
  const auto severity = d.get_string("severity", "error");
  const auto line = d.get_integer("line"), column = d.get_integer("column");
  std::string place(d.get_string("file"));
  if (place.empty() && !list_of(d, "objects").empty()) place = "profile " + some_names(list_of(d, "objects"), 1);
  if (line > 0) place += fmt::format(":{}", line);
  if (line > 0 && column > 0) place += fmt::format(":{}", column);
  auto kind = d.get_string("kind");
  std::string out = fmt::format("{}: {}: {}{}\n", paint(Colour::bold, place, true),
                                paint(severity == "error" ? Colour::red : Colour::yellow, severity, true),
                                kind.empty() ? "" : fmt::format("{}: ", kind), d.get_string("message"));
  out += indented(d.get_string("excerpt"), "    ");
  if (const auto path = d.get_string("path"); !path.empty()) out += fmt::format("  at {}\n", path);
  for (const auto& step : list_of(d, "trace")) {
    if (step.is_string()) out += fmt::format("  {}\n", *step.string());
  }
  if (const auto hint = d.get_string("hint"); !hint.empty())
    out += fmt::format("  {} {}\n", paint(Colour::green, "hint:", true), hint);
  const auto& objects = list_of(d, "objects");
  if (!objects.empty()) {
    const auto more = d.get_integer("object_count") - 1;
    out += fmt::format("  in profile {}{}\n", objects.front().is_string() ? *objects.front().string() : "",
                       more > 0 ? fmt::format(" and {}", count(more, "more profile")) : "");
  }
  return out;
}

}  // namespace

const List& list_of(const Value& value, std::string_view name) {
  static const List none;
  const auto* member = value.get(name);
  return member && member->list() ? *member->list() : none;
}

std::string paint(Colour colour, std::string_view text, bool error_stream) {
  if (colour == Colour::plain || !coloured(error_stream)) return std::string(text);
  return fmt::format("{}{}\x1b[0m", code(colour), text);
}

void print_json(const Value& value) {
  fmt::print("{}", base::profile::to_json_pretty(value));
}

std::string some_names(const List& names, std::size_t limit) {
  std::string out;
  const auto shown = names.size() <= limit ? names.size() : limit;
  for (std::size_t i = 0; i < shown; ++i)
    out += (i > 0 ? ", " : "") + (names[i].is_string() ? *names[i].string() : std::string());
  if (shown < names.size()) out += fmt::format(" and {} more", names.size() - shown);
  return out;
}

std::string plan_text(const Value& plan) {
  const auto& added = list_of(plan, "added");
  const auto& removed = list_of(plan, "removed");
  const auto& groups = list_of(plan, "groups");
  const auto nodes = plan.get_integer("nodes");
  std::string out;
  if (nodes == 0) {
    out += fmt::format("no node changes ({} compiled)\n", count(plan.get_integer("compiled"), "profile"));
    return out;
  }
  out += fmt::format("{} ({} compiled)\n", paint(Colour::bold, count(nodes, "node") + (nodes == 1 ? " changes" : " change")),
                     count(plan.get_integer("compiled"), "profile"));
  if (const auto& components = list_of(plan, "components"); !components.empty()) {
    out += fmt::format("  components: {}\n", some_names(components, 30));
  }
  out += effects_text(plan);
  if (const auto* followers = plan.get("followers"); followers && plan.get_integer("followers") < nodes) {
    const auto branch = plan.get_string("branch");
    out += plan.get_integer("followers") == 0
               ? fmt::format("  none of them follows {}: nothing changes on a machine\n", branch)
               : fmt::format("  {} of them follow {}; for the others nothing changes\n", plan.get_integer("followers"), branch);
  }
  for (const auto& group : groups) out += group_text(group);
  if (const auto more = plan.get_integer("more_groups"); more > 0) {
    out += fmt::format("\n  ... and {} on {}\n", count(more, "more difference"), count(plan.get_integer("more_nodes"), "node"));
  }
  if (const auto& moved = list_of(plan, "not_inverse"); !moved.empty()) {
    out += fmt::format("\n  {}\n", paint(Colour::yellow, "not the exact inverse:"));
    for (const auto& one : moved) {
      const auto what = one.get_string("what");
      out += fmt::format("    {}  {} on {}\n", one.get_string("path"),
                         what == "kept"      ? "stays, something else gives it now,"
                         : what == "another" ? "moved since, so it does not become what it was,"
                                             : "changes although the revision did not set it,",
                         count(one.get_integer("nodes"), "node"));
    }
  }
  if (!added.empty()) {
    List names;
    for (const auto& one : added) names.emplace_back(one.get_string("node"));
    out += fmt::format("\n  {}: {}\n", paint(Colour::green, "new " + count(static_cast<std::int64_t>(names.size()), "node")),
                       some_names(names, 8));
  }
  if (!removed.empty()) {
    out += fmt::format("\n  {}: {}\n", paint(Colour::red, "removed " + count(static_cast<std::int64_t>(removed.size()), "node")),
                       some_names(removed, 8));
  }
  if (const auto* rollout = plan.get("rollout")) {
    out += fmt::format("\n  roll-out {}:", paint(Colour::bold, rollout->get_string("policy")));
    const char* separator = " ";
    for (const auto& wave : list_of(*rollout, "waves")) {
      out += fmt::format("{}{} ({})", separator, wave.get_string("name"), count(wave.get_integer("nodes"), "node"));
      separator = ", ";
    }
    out += "\n";
  }
  return out;
}

std::string diagnostics_text(const Value& answer) {
  std::string out;
  for (const auto& finding : list_of(answer, "diagnostics")) out += (out.empty() ? "" : "\n") + finding_text(finding);
  if (const auto dropped = answer.get_integer("diagnostics_dropped"); dropped > 0) {
    out += fmt::format("\n... and {}; correct the first ones and try again\n", count(dropped, "more diagnostic"));
  }
  return out;
}

std::string conflicts_text(const Value& answer) {
  std::string out;
  for (const auto& c : list_of(answer, "conflicts")) {
    const auto kind = c.get_string("kind");
    const auto why = kind == "removed-here"    ? "removed on one side, changed on the other"
                     : kind == "removed-there" ? "changed on one side, removed on the other"
                     : kind == "added-twice"   ? "added on both sides"
                     : kind == "other-lines"   ? "changed on both sides, in different lines"
                                               : "changed on both sides";
    out += fmt::format("{}{} {}: {}\n", out.empty() ? "" : "\n", paint(Colour::red, "conflict", true),
                       paint(Colour::bold, c.get_string("path"), true), why);
    out += fmt::format("  base    {}\n  mine    {}\n  theirs  {}", c.get_string("base"), c.get_string("mine"),
                       c.get_string("theirs"));
    if (const auto revision = c.get_integer("revision"); revision > 0) {
      out += fmt::format(", revision {} by {} at {}: {}", revision, c.get_string("author"), c.get_string("time").substr(0, 19),
                         c.get_string("message"));
    }
    out += "\n";
    for (const auto& region : list_of(c, "regions")) {
      out += fmt::format("  line {}\n", region.get_integer("line"));
      for (const auto* side : {"base", "mine", "theirs"}) {
        const auto text = region.get_string(side);
        if (text.empty()) out += fmt::format("    {:6} | (nothing)\n", side);
        for (const auto& line : base::text::split(text, '\n')) {
          if (!line.empty()) out += fmt::format("    {:6} | {}\n", side, line);
        }
      }
    }
  }
  return out;
}

Progress::~Progress() {
  if (shown_) fmt::print(stderr, "\r\x1b[K");
}

void Progress::show(std::string_view text) {
  if (!::isatty(STDERR_FILENO)) return;
  fmt::print(stderr, "\r\x1b[K{}", text);
  std::fflush(stderr);
  shown_ = true;
}

}  // namespace programs::weft
