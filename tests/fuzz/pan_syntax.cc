// The tools' syntax tree takes any bytes: nothing overlaps, nothing is lost, and it has no error exactly when the compiler's
// parser has none in its grammar.
#include "cdb/pan/parser.h"
#include "cdb/pan/repository.h"
#include "cdb/pan/syntax/line_index.h"
#include "cdb/pan/syntax/tree.h"
#include "tests/fuzz/pan_support.h"

namespace {

using namespace cdb::pan;

void check_tree(const syntax::Tree& tree) {
  const auto& tokens = tree.tokens();
  PAN_PROMISE(!tokens.empty() && tokens.back().kind == Lex::end && tokens.back().end == tree.text().size());
  std::uint32_t at = 0;
  for (syntax::TokenId id = 0; id < tokens.size(); ++id) {
    for (const syntax::Trivia& trivia : tree.trivia_before(id)) {
      PAN_PROMISE(trivia.begin >= at && trivia.begin < trivia.end);
      at = trivia.end;
    }
    PAN_PROMISE(tokens[id].begin >= at && tokens[id].end >= tokens[id].begin);
    at = tokens[id].end;
  }
  for (syntax::NodeId id = 0; id < tree.node_count(); ++id) {
    const syntax::Node& node = tree.node(id);
    PAN_PROMISE(node.first_token <= node.end_token && node.end_token <= tokens.size());
    std::uint32_t token = node.first_token;
    for (syntax::NodeId child : tree.children(id)) {
      PAN_PROMISE(tree.parent(child) == id && tree.node(child).first_token >= token &&
                  tree.node(child).end_token <= node.end_token);
      token = tree.node(child).end_token;
    }
  }
  for (const auto& error : tree.errors())
    PAN_PROMISE(!error.message.empty() && error.span.begin <= error.span.end && error.span.end <= tree.text().size());
}

// Does the compiler's grammar accept the text? What it refuses for other reasons (a syntax error) is none of the tree's business.
bool accepted(const std::string& text) {
  auto source = std::make_shared<SourceText>();
  source->path = "t.pan";
  source->content = std::make_shared<const std::string>(text);
  Names names;
  try {
    parse_template(source, names, nullptr, nullptr);
  } catch (const Failure& failure) {
    return failure.problem->kind != Problem::Kind::parse;
  }
  return true;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const StackGuard guard(pan_fuzz::kStack);
  const std::string raw(pan_fuzz::text_of(data, size));
  check_tree(syntax::Tree::parse(raw));
  const std::string text = clean_utf8(raw);
  const syntax::Tree tree = syntax::Tree::parse(text);
  check_tree(tree);
  if (size < 4000) PAN_PROMISE(tree.errors().empty() == accepted(text));
  const syntax::LineIndex lines(tree.text());
  for (std::uint32_t offset = 0; offset <= tree.text().size(); offset += 7) {
    const auto position = lines.position(offset, syntax::Columns::bytes);
    // An offset inside a character, or between CR and LF, is taken for what is there before it.
    const auto back = lines.offset(position, syntax::Columns::bytes);
    PAN_PROMISE(back <= offset && offset - back < 4);
    PAN_PROMISE(tree.node_at(offset) < tree.node_count() && tree.token_at(offset) < tree.tokens().size());
  }
  return 0;
}
