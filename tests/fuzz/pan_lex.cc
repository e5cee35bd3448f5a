// Tokens stand in order, inside the source, and between them is nothing but blanks, comments, annotations and heredoc bodies.
#include "cdb/pan/lexer.h"
#include "cdb/pan/problem.h"
#include "tests/fuzz/pan_support.h"

namespace {

using cdb::pan::Lex;
using cdb::pan::Tokens;

bool blank(char c) {
  return c == ' ' || c == '\t' || c == '\f' || c == '\n' || c == '\r';
}

// Goes from `at` to `end` over what may stand between two tokens. `heredocs`: those announced on the line that is being left.
void check_gap(std::string_view source, std::size_t at, std::size_t end, const Tokens& tokens, std::size_t& annotation,
               std::vector<std::string_view>& heredocs) {
  while (at < end) {
    if (source[at] == '\n' || source[at] == '\r') {
      at += source[at] == '\r' && at + 1 < end && source[at + 1] == '\n' ? 2 : 1;
      for (std::string_view word : heredocs) {
        for (bool found = false; !found;) {
          PAN_PROMISE(at < source.size());
          const std::size_t stop = std::min(source.find_first_of("\r\n", at), source.size());
          found = source.substr(at, stop - at) == word;
          at = stop;
          if (at < source.size()) at += source[at] == '\r' && at + 1 < source.size() && source[at + 1] == '\n' ? 2 : 1;
        }
      }
      heredocs.clear();
    } else if (blank(source[at])) {
      ++at;
    } else if (source[at] == '#') {
      while (at < end && source[at] != '\n' && source[at] != '\r') ++at;
    } else {
      PAN_PROMISE(source[at] == '@' && annotation < tokens.annotations.size());
      const cdb::pan::Span span = tokens.annotations[annotation++].span;
      PAN_PROMISE(span.begin == at && span.end > at && span.end <= end);
      at = span.end;
    }
  }
  PAN_PROMISE(at == end);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view source = pan_fuzz::text_of(data, size);
  try {
    const Tokens tokens = cdb::pan::tokenize(source);
    PAN_PROMISE(!tokens.list.empty() && tokens.list.back().kind == Lex::end);
    std::size_t at = 0, annotation = 0;
    std::vector<std::string_view> heredocs;
    for (const auto& token : tokens.list) {
      PAN_PROMISE(token.span.begin >= at && token.span.begin <= token.span.end && token.span.end <= source.size());
      PAN_PROMISE((token.kind == Lex::end) == (token.span.begin == token.span.end));
      check_gap(source, at, token.span.begin, tokens, annotation, heredocs);
      at = token.span.end;
      const std::string_view written = source.substr(token.span.begin, at - token.span.begin);
      if (token.kind == Lex::heredoc) heredocs.push_back(written.substr(2));
      if (token.kind != Lex::heredoc && token.kind != Lex::string) PAN_PROMISE(token.text == written);
      PAN_PROMISE(!cdb::pan::lex_name(token.kind).empty());
    }
    PAN_PROMISE(at == source.size() && annotation == tokens.annotations.size());
  } catch (const cdb::pan::Failure& failure) {
    PAN_PROMISE(!failure.problem->message.empty());
    PAN_PROMISE(failure.problem->place.span.known() && failure.problem->place.span.end <= source.size());
  }
  return 0;
}
