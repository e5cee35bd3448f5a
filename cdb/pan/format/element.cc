#include "cdb/pan/format/element.h"

#include <algorithm>

namespace cdb::pan::format {

namespace {

bool continues(char c) {
  return (static_cast<unsigned char>(c) & 0xc0U) == 0x80U;
}

class Collector {
 public:
  explicit Collector(const syntax::Tree& tree) : tree_(tree), text_(tree.text()) {}

  Elements run() {
    const auto& tokens = tree_.tokens();
    out_.of_token.resize(tokens.size());
    out_.first_of_gap.resize(tokens.size());
    for (syntax::TokenId t = 0; t < tokens.size(); ++t) {
      out_.first_of_gap[t] = static_cast<std::uint32_t>(out_.list.size());
      for (const syntax::Trivia& trivia : tree_.trivia_before(t)) {
        std::uint32_t end = trivia.end;
        Element::Kind kind = Element::Kind::annotation;
        if (trivia.kind == syntax::Trivia::Kind::heredoc_body) kind = Element::Kind::heredoc_body;
        if (trivia.kind == syntax::Trivia::Kind::comment) {
          kind = Element::Kind::comment;
          while (end > trivia.begin && (text_[end - 1] == ' ' || text_[end - 1] == '\t' || text_[end - 1] == '\f')) --end;
        }
        add(kind, trivia.begin, end, t);
        skip(trivia.end);
      }
      out_.of_token[t] = static_cast<std::uint32_t>(out_.list.size());
      add(Element::Kind::token, tokens[t].begin, tokens[t].end, t);
    }
    return std::move(out_);
  }

 private:
  // Moves on to `end`, keeping column and line breaks.
  void skip(std::uint32_t end) {
    for (; at_ < end; ++at_) {
      const char c = text_[at_];
      if (c == '\n' || (c == '\r' && (at_ + 1 == text_.size() || text_[at_ + 1] != '\n'))) {
        column_ = 0;
        ++newlines_;
      } else if (c == '\t') {
        column_ += 8 - column_ % 8;
      } else if (!continues(c)) {
        ++column_;
      }
    }
  }

  void add(Element::Kind kind, std::uint32_t begin, std::uint32_t end, syntax::TokenId token) {
    skip(begin);
    Element element{.kind = kind, .begin = begin, .end = end, .token = token, .column = column_, .newlines = newlines_};
    for (std::uint32_t i = begin; i < end; ++i) {
      const char c = text_[i];
      if (c == '\n' || c == '\r') {
        if (element.one_line) element.width = element.last_line;
        element.one_line = false;
        element.last_line = 0;
      } else if (!continues(c)) {
        ++element.last_line;
      }
    }
    if (element.one_line) element.width = element.last_line;
    out_.list.push_back(element);
    skip(end);
    newlines_ = 0;
  }

  const syntax::Tree& tree_;
  const std::string& text_;
  Elements out_;
  std::uint32_t at_ = 0, column_ = 0, newlines_ = 0;
};

}  // namespace

std::uint32_t Elements::newlines_before(syntax::TokenId token) const {
  std::uint32_t sum = 0;
  for (std::uint32_t i = first_of_gap[token]; i <= of_token[token]; ++i)
    sum += list[i].newlines + (list[i].kind == Element::Kind::heredoc_body ? 1 : 0);
  return sum;
}

Elements elements_of(const syntax::Tree& tree) {
  return Collector(tree).run();
}

}  // namespace cdb::pan::format
