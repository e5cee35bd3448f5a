// Pan's library functions: a table from name to checks at parse time and code at run time. Used by the builder and the Evaluator.
// Failures are thrown. Immutable, any thread.
#pragma once

#include <span>
#include <string_view>

#include "cdb/pan/op.h"

namespace cdb::pan {

class Builder;
class Evaluator;

using BuiltinCode = Value (*)(Evaluator&, const Op&);
// Looks at the finished operation, may rewrite it (constants) and reports syntax errors to the builder. Null: nothing to check.
using BuiltinCheck = Op* (*)(Builder&, Op*);

struct Builtin {
  std::string_view name;
  int min_args;
  int max_args;  // -1: any number
  bool run_time_only;
  bool pure;  // does not keep or hand on its arguments, so passing a variable is no alias
  BuiltinCode code;
  BuiltinCheck check = nullptr;
};

const Builtin* find_builtin(std::string_view name);
std::span<const Builtin> all_builtins();

}  // namespace cdb::pan
