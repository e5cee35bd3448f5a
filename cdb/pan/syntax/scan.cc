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
      try {
        take(tokenize(source_.substr(from)), from);
        from = size;
      } catch (const Failure& failure) {
        from = resume(failure.problem->place.span, failure.problem->message, from);
      }
    }
    gap(size);
    out_.tokens.push_back({size, size, trivia_of_next_, Lex::end});
    return std::move(out_);
  }

 private:
  // The lexer refused [bad] (relative to `from`): what stands before it is lexed again, it becomes skipped text. A heredoc
  // without end is noticed at the end of the file: its mark stays a token and the rest of the file is its body.
  std::uint32_t resume(Span bad, std::string message, std::uint32_t from) {
    const auto size = static_cast<std::uint32_t>(source_.size());
    bad.begin = std::min(bad.begin + from, size - 1);
    bad.end = std::clamp(bad.end + from, bad.begin + 1, size);
    out_.errors.push_back({bad, std::move(message)});
    const bool heredoc = source_.substr(bad.begin, 2) == "<<";
    try {
      take(tokenize(source_.substr(from, bad.begin - from)), from);
    } catch (const Failure&) {
      // A heredoc before it has no end yet: skip on, its lines are taken with the rest.
      gap(bad.begin, true);
    }
    if (heredoc) {
      add(bad.begin, bad.end, Lex::heredoc);
      const std::size_t line_end = std::min(source_.find_first_of("\r\n", bad.end), source_.size());
      try {
        take(tokenize(source_.substr(bad.end, line_end - bad.end)), bad.end);
      } catch (const Failure&) {
        gap(static_cast<std::uint32_t>(line_end), true);
      }
      gap(size);
      return size;
    }
    if (source_[bad.begin] == '@') {
      gap(bad.begin);
      out_.trivia.push_back({bad.begin, bad.end, Trivia::Kind::skipped});
      at_ = bad.end;
    } else {
      add(bad.begin, bad.end, Lex::error);
    }
    return bad.end;
  }

  void take(const Tokens& tokens, std::uint32_t base) {
    annotations_ = &tokens.annotations;
    next_annotation_ = 0;
    base_ = base;
    for (const cdb::pan::Token& token : tokens.list)
      if (token.kind != Lex::end) add(base + token.span.begin, base + token.span.end, token.kind);
    if (!tokens.list.empty()) gap(base + tokens.list.back().span.end);
    annotations_ = nullptr;
  }

  void add(std::uint32_t begin, std::uint32_t end, Lex kind) {
    gap(begin);
    out_.tokens.push_back({begin, end, trivia_of_next_, kind});
    trivia_of_next_ = static_cast<std::uint32_t>(out_.trivia.size());
    if (kind == Lex::heredoc) markers_.push_back(source_.substr(begin + 2, end - begin - 2));
    at_ = end;
  }

  // From the end of the last token to the beginning of the next: blanks, comments, annotations, heredoc bodies.
  void gap(std::uint32_t end, bool unknown = false) {
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
      } else if (c == '@' && !unknown && annotation_end() > at_) {
        push(annotation_end(), Trivia::Kind::annotation);
      } else {
        push(end, Trivia::Kind::skipped);
      }
    }
  }

  void push(std::uint32_t end, Trivia::Kind kind) {
    out_.trivia.push_back({at_, end, kind});
    at_ = end;
  }

  std::uint32_t annotation_end() {
    if (annotations_ == nullptr) return 0;
    while (next_annotation_ < annotations_->size() && base_ + (*annotations_)[next_annotation_].span.begin < at_)
      ++next_annotation_;
    if (next_annotation_ == annotations_->size()) return 0;
    const Span span = (*annotations_)[next_annotation_].span;
    return base_ + span.begin == at_ ? base_ + span.end : 0;
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
  const std::vector<Annotation>* annotations_ = nullptr;
  std::size_t next_annotation_ = 0;
  std::uint32_t base_ = 0;
};

}  // namespace

Scan scan(std::string_view source) {
  return Scanner(source).run();
}

}  // namespace cdb::pan::syntax
