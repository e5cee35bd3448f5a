// The reference's words for wrong arguments of library functions, which people's scripts look for. Private to builtin*.cc and
// builder.cc. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "cdb/pan/builtin.h"
#include "cdb/pan/value.h"

namespace cdb::pan::library {

// Argument `i` of `count` is of the wrong kind. Functions and arguments that the reference has no words for get plain ones.
std::string wrong_argument_text(std::string_view function, std::uint32_t count, std::uint32_t i, const Value& got);
std::string wrong_count_text(const Builtin& function);

}  // namespace cdb::pan::library
