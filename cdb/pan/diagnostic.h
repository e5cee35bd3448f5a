// Problems to Diagnostics: places become file, line and column, excerpts get their caret, and the reference's wording is made.
// Used by the Engine and object contexts. Pure.
#pragma once

#include <string>

#include "cdb/pan/compiler.h"
#include "cdb/pan/template.h"

namespace cdb::pan {

Diagnostic to_diagnostic(const Problem& problem, std::string_view object);
// "cfg/types.pan:3.1-3.20", as the reference writes ranges; "?" when unknown.
std::string place_text(const Place& place);

}  // namespace cdb::pan
