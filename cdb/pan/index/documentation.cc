#include <algorithm>

#include "base/text/text.h"
#include "cdb/pan/index/file_index.h"

namespace cdb::pan::index {

using syntax::NodeId;
using syntax::Tree;
using syntax::Trivia;

namespace {

std::string strip_comment(std::string_view text) {
  while (!text.empty() && text.front() == '#') text.remove_prefix(1);
  return std::string(base::text::trim(text));
}

// "@documentation{ desc = it does; args = a, b }" without its frame. Annotations are free text with "key = value" lines by
// custom: desc comes first, the other keys are shown as they are.
std::string annotation_text(std::string_view text) {
  const auto open = text.find_first_of("{([");
  if (open == std::string_view::npos || text.size() < open + 2) return {};
  text = text.substr(open + 1, text.size() - open - 2);
  std::string description, rest;
  bool in_description = true;
  for (const std::string& raw : base::text::split(text, '\n')) {
    const std::string_view line = base::text::trim(raw);
    const auto equals = line.find('=');
    const std::string_view key = equals == std::string_view::npos ? std::string_view() : base::text::trim(line.substr(0, equals));
    const bool is_key =
        !key.empty() && std::all_of(key.begin(), key.end(), [](char c) { return (c >= 'a' && c <= 'z') || c == '_'; });
    std::string_view shown = line;
    if (is_key) {
      in_description = key == "desc" || key == "descro" || key == "description";
      if (in_description) shown = base::text::trim(line.substr(equals + 1));
    }
    std::string& to = in_description ? description : rest;
    if (!to.empty() || !shown.empty()) {
      to += shown;
      to += '\n';
    }
  }
  return std::string(base::text::trim(description + (rest.empty() ? "" : "\n" + rest)));
}

}  // namespace

std::string documentation_of(const Tree& tree, NodeId node) {
  std::string out;
  for (const Trivia& annotation : tree.annotations_of(node)) {
    const std::string text = annotation_text(tree.text_of_trivia(annotation));
    if (text.empty()) continue;
    if (!out.empty()) out += "\n\n";
    out += text;
  }
  if (!out.empty()) return out;
  // Comments that end on the line above and follow each other without a blank line.
  std::uint32_t below = tree.span(node).begin;
  std::vector<std::string> lines;
  const auto before = tree.trivia_before(tree.node(node).first_token);
  for (auto trivia = before.rbegin(); trivia != before.rend(); ++trivia) {
    const std::string_view between = std::string_view(tree.text()).substr(trivia->end, below - trivia->end);
    if (trivia->kind != Trivia::Kind::comment || std::count(between.begin(), between.end(), '\n') > 1) break;
    // A comment behind a statement belongs to that.
    std::uint32_t start = trivia->begin;
    while (start > 0 && (tree.text()[start - 1] == ' ' || tree.text()[start - 1] == '\t')) --start;
    if (start > 0 && tree.text()[start - 1] != '\n' && tree.text()[start - 1] != '\r') break;
    lines.push_back(strip_comment(tree.text_of_trivia(*trivia)));
    below = trivia->begin;
  }
  std::reverse(lines.begin(), lines.end());
  return std::string(base::text::trim(base::text::join(lines, "\n")));
}

}  // namespace cdb::pan::index
