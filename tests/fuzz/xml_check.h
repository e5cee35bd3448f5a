// Is a text the XML that the writer promises? Tags nest, attributes are quoted, text is escaped. Enough to catch a writer's
// mistakes without an XML library; not a general parser.
#pragma once

#include <string_view>
#include <vector>

#include "tests/fuzz/pan_support.h"

namespace pan_fuzz {

inline void check_xml(std::string_view text) {
  constexpr std::string_view kHead = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>";
  PAN_PROMISE(text.starts_with(kHead) && text.ends_with('\n'));
  text.remove_prefix(kHead.size());
  std::vector<std::string_view> open;
  bool root = false;
  while (!text.empty()) {
    const std::size_t tag = text.find('<');
    const std::string_view plain = text.substr(0, tag);
    for (std::size_t at = 0; at < plain.size(); ++at) {
      const auto c = static_cast<unsigned char>(plain[at]);
      PAN_PROMISE(c >= 0x20 || c == '\n' || c == '\t');
      PAN_PROMISE(c != '>');
      if (c != '&') continue;
      const std::string_view entity = plain.substr(at, plain.find(';', at) - at);
      PAN_PROMISE(entity == "&lt" || entity == "&gt" || entity == "&amp" || entity.starts_with("&#"));
    }
    if (tag == std::string_view::npos) {
      PAN_PROMISE(open.empty() && plain == "\n");
      return;
    }
    const std::size_t end = text.find('>', tag);
    PAN_PROMISE(end != std::string_view::npos);
    std::string_view inside = text.substr(tag + 1, end - tag - 1);
    text.remove_prefix(end + 1);
    if (inside.starts_with('/')) {
      PAN_PROMISE(!open.empty() && open.back() == inside.substr(1));
      open.pop_back();
      continue;
    }
    PAN_PROMISE(!open.empty() || !root);
    root = true;
    const bool empty = inside.ends_with('/');
    if (empty) inside.remove_suffix(1);
    std::size_t quotes = 0;
    for (char c : inside) {
      quotes += c == '"';
      PAN_PROMISE(c != '<' && c != '&' && static_cast<unsigned char>(c) >= 0x20);
    }
    PAN_PROMISE(quotes % 2 == 0);
    if (!empty) open.push_back(inside.substr(0, inside.find(' ')));
  }
  PAN_PROMISE(false && "no end");
}

}  // namespace pan_fuzz
