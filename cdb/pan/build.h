// Running an object template's statements, filling in defaults, and validating the result. Used by the Engine; one thread per
// object. What goes wrong is thrown as Failure.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "cdb/pan/object_context.h"

namespace cdb::pan {

// Executes the object template and sets defaults: afterwards the tree is complete and frozen.
void build_object(ObjectContext& context);
// Undefined elements and bound types.
void validate_object(ObjectContext& context);
// Statements of a template included or used by create(); `all`: also the ones that run once per object.
void execute_template(ObjectContext& context, const Template& what, bool all);

// "${NAME}" and "${NAME:-default}" in text, for substitute() and bind paths. `lookup` throws Failure for unknown names.
std::string substitute_variables(std::string_view text, const std::function<std::string(std::string_view)>& lookup);

}  // namespace cdb::pan
