// Local variables: which names of a piece of DML are local, and where each is written and read. Used by summarize(), the lint
// rules and rename. Pure; works on trees with mistakes.
#pragma once

#include <map>
#include <string_view>
#include <vector>

#include "cdb/pan/syntax/tree.h"

namespace cdb::pan::index {

// A statement's DML, a function's body, a type's default or validation: locals live in one such piece.
bool is_scope(const syntax::Tree& tree, syntax::NodeId node);
// All of them, in order of place.
std::vector<syntax::NodeId> scopes(const syntax::Tree& tree);
// The one around a node, kNone outside of DML.
syntax::NodeId scope_of(const syntax::Tree& tree, syntax::NodeId node);

struct Mention {
  syntax::NodeId reference = 0;  // the reference node
  Span span;                     // of the name
  bool write = false;            // the whole variable or one element is assigned
  bool element = false;          // written through an index
  bool loop = false;             // key or value of foreach
};

struct Locals {
  // By name; a name is local when the piece assigns it. Mentions in order of place. The keys point into the tree's text.
  std::map<std::string_view, std::vector<Mention>> names;
  std::vector<Mention> others;  // references to names that are not local
};
Locals locals_of(const syntax::Tree& tree, syntax::NodeId scope);

// SELF, ARGV, ARGC, OBJECT, TEMPLATE, FUNCTION: set by the compiler.
bool automatic_variable(std::string_view name);

}  // namespace cdb::pan::index
