// JSON as the reference writes and reads it (Gson, pretty printed, HTML-safe). Used by json_encode(), json_decode() and the json
// output. Pure; what cannot be written or read throws Failure.
#pragma once

#include <string_view>

#include "cdb/pan/text_buffer.h"
#include "cdb/pan/value.h"

namespace cdb::pan {

// Two-space indent, no final newline. undef throws.
void write_json(TextBuffer& out, const Value& value);
Value read_json(std::string_view text);

}  // namespace cdb::pan
