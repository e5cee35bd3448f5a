// Tokens and trivia of a whole file for TreeBuilder. The rules of tokens are cdb/pan/lexer.h's; this only recovers what the lexer
// leaves out and goes on where it gives up. Pure; throws nothing.
#pragma once

#include <string_view>
#include <vector>

#include "cdb/pan/syntax/tree.h"

namespace cdb::pan::syntax {

struct Scan {
  std::vector<TokenInfo> tokens;  // ends with Lex::end
  std::vector<Trivia> trivia;
  std::vector<SyntaxError> errors;
};

Scan scan(std::string_view source);

}  // namespace cdb::pan::syntax
