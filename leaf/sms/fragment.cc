#include "leaf/sms/fragment.h"

#include <fmt/format.h>

namespace leaf::sms {

namespace {

// Double-quoted Pan text. Claims hold one printable line, so only these two characters need care.
std::string quoted(std::string_view text) {
  std::string out = "\"";
  for (char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + "\"";
}

}  // namespace

std::string effective_state(const std::vector<Claim>& held) {
  int worst = 0;
  for (const Claim& claim : held) {
    if (claim.in_effect()) worst = std::max(worst, severity(claim.state));
  }
  return states()[static_cast<std::size_t>(worst)];
}

std::string fragment_path(std::string_view node) {
  return fmt::format("sms/{}.pan", node);
}

std::optional<std::string> fragment(std::string_view node, const std::vector<Claim>& held) {
  std::string items;
  for (const Claim& claim : held) {
    if (!claim.in_effect()) continue;
    std::string item =
        fmt::format("  dict(\"state\", {}, \"reason\", {}, \"category\", {}, \"owner\", {}, \"since\", {}", quoted(claim.state),
                    quoted(claim.reason), quoted(claim.category), quoted(claim.owner), quoted(claim.since));
    if (!claim.ticket.empty()) item += fmt::format(", \"ticket\", {}", quoted(claim.ticket));
    if (!claim.expires.empty()) item += fmt::format(", \"expires\", {}", quoted(claim.expires));
    items += (items.empty() ? "" : ",\n") + item + ")";
  }
  if (items.empty()) return std::nullopt;
  return fmt::format(
      "# Written by LEAF from the claims on this node (weft sms show {0}). Do not edit: the next claim overwrites it.\n"
      "template sms/{0};\n\n\"/system/state\" = {1};\n\"/system/sms/claims\" = list(\n{2}\n);\n",
      node, quoted(effective_state(held)), items);
}

}  // namespace leaf::sms
