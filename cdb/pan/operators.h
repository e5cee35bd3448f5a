// The unary and binary operators on values. Used by the builder (folding) and the Evaluator. Pure; wrong operands throw Failure
// (evaluation error) with the given span.
#pragma once

#include "cdb/pan/op.h"

namespace cdb::pan {

std::string_view operator_text(OpKind kind);
// Are the operands of a kind the operator takes at all? (The reference distinguishes this from a mismatch between the two.)
bool operands_fit(OpKind kind, const Value& a, const Value& b);
Value apply_binary(OpKind kind, const Value& a, const Value& b, Span span);
Value apply_unary(OpKind kind, const Value& a, Span span);

}  // namespace cdb::pan
