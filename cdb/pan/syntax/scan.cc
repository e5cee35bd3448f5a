#include "cdb/pan/syntax/scan.h"

#include <algorithm>

namespace cdb::pan::syntax {

namespace {

class Scanner {
 public:
  explicit Scanner(std::string_view source) : source_(source) {}

  Scan run() {
    const auto size = static_cast<std::uint32_t>(source_.size());
    std::uint32_t from = 0;
    while (from < size) {
      Lexer lexer(source_.substr(from));
      lexer_ = &lexer;
      base_ = from;
      try {
        for (Token token = lexer.next(); token.kind != Lex::end; token = lexer.next())
          add(base_ + token.span.begin, base_ + token.span.end, token.kind);
        gap(size);
        from = size;
      } catch (const Failure& failure) {
        from = refused(failure.problem->place.span, failure.problem->message);
      }
    }
    out_.tokens.push_back({size, size, trivia_of_next_, Lex::end});
    return std::move(out_);
  }

 private:
  // What the lexer refused becomes one token or skipped text; where to go on.
  std::uint32_t refused(Span bad, std::string message) {
    const auto size = static_cast<std::uint32_t>(source_.size());
    bad.begin = std::clamp(bad.begin + base_, at_, size - 1);
    bad.end = std::clamp(bad.end + base_, bad.begin + 1, size);
    out_.errors.push_back({bad, std::move(message)});
    gap(bad.begin);
    if (source_[bad.begin] == '@') {
      push(bad.end, Trivia::Kind::skipped);
    } else if (source_.substr(bad.begin, 2) == "<<") {
      // A heredoc without end. Its text is not known: what follows is read as if it were Pan.
      add(bad.begin, bad.end, Lex::heredoc);
      markers_.pop_back();
      // Each cost a search to the end of the file.
      constexpr int kMostOpenHeredocs = 50;
      if (++open_heredocs_ > kMostOpenHeredocs) push(size, Trivia::Kind::skipped);
      return at_;
    } else {
      add(bad.begin, bad.end, Lex::error);
    }
    return bad.end;
  }

  void add(std::uint32_t begin, std::uint32_t end, Lex kind) {
    gap(begin);
    out_.tokens.push_back({begin, end, trivia_of_next_, kind});
    trivia_of_next_ = static_cast<std::uint32_t>(out_.trivia.size());
    if (kind == Lex::heredoc) markers_.push_back(source_.substr(begin + 2, end - begin - 2));
    at_ = end;
  }

  // From the end of the last token to the beginning of the next: blanks, comments, annotations, heredoc bodies.
  void gap(std::uint32_t end) {
    while (at_ < end) {
      const char c = source_[at_];
      if (c == '\n' || c == '\r') {
        at_ += c == '\r' && at_ + 1 < end && source_[at_ + 1] == '\n' ? 2 : 1;
        if (!markers_.empty()) bodies(end);
      } else if (c == ' ' || c == '\t' || c == '\f') {
        ++at_;
      } else if (c == '#') {
        const std::size_t line_end = std::min<std::size_t>(source_.find_first_of("\r\n", at_), end);
        push(static_cast<std::uint32_t>(line_end), Trivia::Kind::comment);
      } else if (const std::uint32_t annotation = c == '@' ? annotation_end() : 0; annotation > at_) {
        push(annotation, Trivia::Kind::annotation);
      } else {
        push(end, Trivia::Kind::skipped);
      }
    }
  }

  void push(std::uint32_t end, Trivia::Kind kind) {
    out_.trivia.push_back({at_, end, kind});
    at_ = end;
  }

  // Of the annotation that begins here, 0 when none does.
  std::uint32_t annotation_end() {
    for (const Annotation& passed : lexer_->take_annotations())
      annotations_.push_back({base_ + passed.span.begin, base_ + passed.span.end});
    while (next_annotation_ < annotations_.size() && annotations_[next_annotation_].begin < at_) ++next_annotation_;
    if (next_annotation_ == annotations_.size() || annotations_[next_annotation_].begin != at_) return 0;
    return annotations_[next_annotation_].end;
  }

  // At the beginning of a line: the bodies of all heredocs announced before.
  void bodies(std::uint32_t end) {
    for (const std::string_view marker : markers_) {
      std::uint32_t line = at_;
      bool found = false;
      while (line < end && !found) {
        const auto line_end = static_cast<std::uint32_t>(std::min<std::size_t>(source_.find_first_of("\r\n", line), end));
        found = source_.substr(line, line_end - line) == marker;
        line = line_end;
        if (line < end) line += source_[line] == '\r' && line + 1 < end && source_[line + 1] == '\n' ? 2 : 1;
      }
      if (line > at_) push(line, Trivia::Kind::heredoc_body);
    }
    markers_.clear();
  }

  std::string_view source_;
  Scan out_;
  std::uint32_t at_ = 0;
  std::uint32_t trivia_of_next_ = 0;
  std::vector<std::string_view> markers_;  // of heredocs whose bodies have not been met
  int open_heredocs_ = 0;
  Lexer* lexer_ = nullptr;
  std::vector<Span> annotations_;
  std::size_t next_annotation_ = 0;
  std::uint32_t base_ = 0;
};

}  // namespace

Scan scan(std::string_view source) {
  return Scanner(source).run();
}

}  // namespace cdb::pan::syntax
