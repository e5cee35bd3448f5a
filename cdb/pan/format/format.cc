#include "cdb/pan/format/format.h"

#include "cdb/pan/format/layout.h"

namespace cdb::pan::format {

namespace {

std::string_view without_trailing_blanks(std::string_view text) {
  const std::size_t end = text.find_last_not_of(" \t\f");
  return text.substr(0, end == std::string_view::npos ? 0 : end + 1);
}

// A body that ends with the file may have got its line end.
std::string_view without_line_end(std::string_view text) {
  while (text.ends_with('\n') || text.ends_with('\r')) text.remove_suffix(1);
  return text;
}

}  // namespace

bool same_content(const syntax::Tree& before, const syntax::Tree& after) {
  const auto& a = before.tokens();
  const auto& b = after.tokens();
  if (a.size() != b.size() || before.errors().size() != after.errors().size()) return false;
  std::vector<syntax::Trivia> left, right;
  for (syntax::TokenId t = 0; t < a.size(); ++t) {
    if (a[t].kind != b[t].kind || before.text_of_token(t) != after.text_of_token(t)) return false;
    left.insert(left.end(), before.trivia_before(t).begin(), before.trivia_before(t).end());
    right.insert(right.end(), after.trivia_before(t).begin(), after.trivia_before(t).end());
  }
  if (left.size() != right.size()) return false;
  for (std::size_t i = 0; i < left.size(); ++i) {
    if (left[i].kind != right[i].kind) return false;
    std::string_view x = before.text_of_trivia(left[i]), y = after.text_of_trivia(right[i]);
    if (left[i].kind == syntax::Trivia::Kind::comment) {
      x = without_trailing_blanks(x);
      y = without_trailing_blanks(y);
    } else if (left[i].kind == syntax::Trivia::Kind::heredoc_body && i + 1 == left.size()) {
      x = without_line_end(x);
      y = without_line_end(y);
    }
    if (x != y) return false;
  }
  return true;
}

base::Result<std::string> formatted(const syntax::Tree& tree) {
  if (!tree.errors().empty()) return tree.text();
  std::string out = Layout(tree).run();
  if (!same_content(tree, syntax::Tree::parse(out)))
    return base::fail(base::Errc::internal,
                      "the canonical layout would not have the same tokens and comments: nothing was changed",
                      "This is a defect of the formatter: please report it with the file.");
  return out;
}

}  // namespace cdb::pan::format
