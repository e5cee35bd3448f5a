// The rules' functions, by file. Private to rules*.cc.
#pragma once

#include "cdb/pan/lint/rule.h"

namespace cdb::pan::lint::rules {

// rules_name.cc
void unused_local(const Subject&, Findings&);
void unused_variable(const Subject&, Findings&);
void unused_function(const Subject&, Findings&);
void unused_type(const Subject&, Findings&);
void undefined_variable(const Subject&, Findings&);
void undefined_function(const Subject&, Findings&);
void undefined_type(const Subject&, Findings&);
void shadowed_variable(const Subject&, Findings&);
void shadowed_builtin(const Subject&, Findings&);
// rules_flow.cc
void unreachable(const Subject&, Findings&);
void constant_condition(const Subject&, Findings&);
void overwritten(const Subject&, Findings&);
void overridden_default(const Subject&, Findings&);
void unused_result(const Subject&, Findings&);
void argv_unchecked(const Subject&, Findings&);
void type_mismatch(const Subject&, Findings&);
// rules_text.cc
void nlist(const Subject&, Findings&);
void valid_statement(const Subject&, Findings&);
void tpl_suffix(const Subject&, Findings&);
void name_mismatch(const Subject&, Findings&);
void string_trap(const Subject&, Findings&);
void odd_octal(const Subject&, Findings&);
void duplicate_field(const Subject&, Findings&);
void unused_prefix(const Subject&, Findings&);
// rules_tree.cc
void missing_include(const Subject&, Findings&);
void missing_type(const Subject&, Findings&);
void unknown_field(const Subject&, Findings&);
void unused_template(const Subject&, Findings&);

// Calls `visit` for a node and everything below it, in order of place.
template <class Visit>
void walk(const syntax::Tree& tree, syntax::NodeId node, Visit&& visit) {
  visit(node);
  for (const syntax::NodeId child : tree.children(node)) walk(tree, child, visit);
}
// The name of a called function; "" when `node` is no call.
std::string_view called(const syntax::Tree& tree, syntax::NodeId node);
bool is_literal(const syntax::Tree& tree, syntax::NodeId node, Lex kind);

}  // namespace cdb::pan::lint::rules
