// Template text to Template. Recursive descent, one pass, used by the repository on any thread. A wrong text throws Failure
// (parse or syntax error) with its place.
#pragma once

#include <memory>
#include <string_view>

#include "cdb/pan/template.h"

namespace cdb::pan {

// `debug`: keep debug() and traceback() calls, decided by template name.
std::shared_ptr<const Template> parse_template(SourcePtr source, Names& names, bool (*debug)(const void*, std::string_view),
                                               const void* debug_context);

// One DML expression that must be a constant: --initial-data.
Value parse_constant(std::string_view text, Names& names, Heap& heap);

}  // namespace cdb::pan
