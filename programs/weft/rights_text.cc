#include "programs/weft/rights_text.h"

#include <fmt/format.h>

#include "programs/weft/output.h"

namespace programs::weft {
namespace {

using base::profile::Value;

std::string plural(std::int64_t count, std::string_view one) {
  return fmt::format("{} {}{}", count, one, count == 1 ? "" : "s");
}

std::string what(const Value& refusal) {
  const auto act = refusal.get_string("act");
  if (act == "add_node") return "add nodes";
  if (act == "remove_node") return "remove nodes";
  if (act == "edit_template") return fmt::format("edit {}", refusal.get_string("path"));
  return fmt::format("set {}: {} → {}", refusal.get_string("path"), refusal.get_string("before", "(absent)"),
                     refusal.get_string("after", "(absent)"));
}

}  // namespace

std::string rights_text(const Value& rights, bool error_stream) {
  std::string out;
  if (!rights.get_boolean("allowed", true)) {
    out += paint(Colour::bold, "not within your rights:", error_stream) + "\n";
    for (const auto& refusal : list_of(rights, "refusals")) {
      out += "  " + paint(Colour::red, what(refusal), error_stream) + "\n";
      const auto& nodes = list_of(refusal, "nodes");
      const auto more = refusal.get_integer("node_count") - static_cast<std::int64_t>(nodes.size());
      if (!nodes.empty()) {
        out += fmt::format("    on {}{}\n", some_names(nodes, nodes.size()), more > 0 ? fmt::format(" and {} more", more) : "");
      }
      out += fmt::format("    {}\n    who could: ", refusal.get_string("reason"));
      for (const auto& one : list_of(refusal, "could")) {
        if (one.is_string()) out += *one.string() + "; ";
      }
      out += "an administrator\n";
    }
    if (const auto more = rights.get_integer("more_refusals"); more > 0) out += fmt::format("  ... and {} more\n", more);
  }
  if (!rights.get_boolean("approved", true)) out += paint(Colour::bold, "approvals needed:", error_stream) + "\n";
  for (const auto& one : list_of(rights, "approvals")) {
    const auto has = one.get_integer("has"), needs = one.get_integer("needs");
    if (has >= needs) continue;
    out += fmt::format("  {}: {} from {}, {} so far; it touches {}, {}, {}\n", one.get_string("name"), plural(needs, "approval"),
                       one.get_string("from"), has, plural(one.get_integer("nodes"), "node"),
                       plural(one.get_integer("racks"), "rack"), plural(one.get_integer("clusters"), "cluster"));
  }
  return out;
}

}  // namespace programs::weft
