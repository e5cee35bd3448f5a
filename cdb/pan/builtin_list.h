// The library functions' code and parse-time checks, by file. Private to builtin*.cc.
#pragma once

#include <fmt/format.h>

#include "cdb/pan/builder.h"
#include "cdb/pan/builtin.h"
#include "cdb/pan/builtin_text.h"
#include "cdb/pan/evaluator.h"

namespace cdb::pan::library {

#define WEFT_PAN_FUNCTION(name) Value name(Evaluator&, const Op&)
#define WEFT_PAN_CHECK(name) Op* name(Builder&, Op*)

// builtin_type.cc
WEFT_PAN_FUNCTION(is_kind);
WEFT_PAN_FUNCTION(is_valid);
WEFT_PAN_FUNCTION(to_boolean);
WEFT_PAN_FUNCTION(to_double);
WEFT_PAN_FUNCTION(to_long);
WEFT_PAN_FUNCTION(to_string);
WEFT_PAN_FUNCTION(maximum);
WEFT_PAN_FUNCTION(minimum);
WEFT_PAN_CHECK(check_variable_lookup);
WEFT_PAN_CHECK(check_is_valid);
// builtin_string.cc
WEFT_PAN_FUNCTION(match);
WEFT_PAN_FUNCTION(matches);
WEFT_PAN_FUNCTION(replace);
WEFT_PAN_FUNCTION(split);
WEFT_PAN_FUNCTION(substr);
WEFT_PAN_FUNCTION(join);
WEFT_PAN_FUNCTION(to_lowercase);
WEFT_PAN_FUNCTION(to_uppercase);
WEFT_PAN_FUNCTION(escape_function);
WEFT_PAN_FUNCTION(unescape_function);
WEFT_PAN_FUNCTION(base64_encode);
WEFT_PAN_FUNCTION(base64_decode);
WEFT_PAN_FUNCTION(digest);
WEFT_PAN_FUNCTION(ip4_to_long);
WEFT_PAN_FUNCTION(long_to_ip4);
WEFT_PAN_CHECK(check_match);
WEFT_PAN_CHECK(check_join);
WEFT_PAN_CHECK(check_escape);
WEFT_PAN_CHECK(check_unescape);
WEFT_PAN_CHECK(check_pattern);
WEFT_PAN_CHECK(check_digest);
// builtin_format.cc
WEFT_PAN_FUNCTION(format_function);
WEFT_PAN_FUNCTION(substitute);
WEFT_PAN_FUNCTION(json_encode);
WEFT_PAN_FUNCTION(json_decode);
WEFT_PAN_FUNCTION(error);
WEFT_PAN_FUNCTION(debug);
WEFT_PAN_FUNCTION(traceback);
WEFT_PAN_FUNCTION(deprecated);
WEFT_PAN_CHECK(check_deprecated);
WEFT_PAN_CHECK(check_message);
std::string formatted(Evaluator&, const Op&);
// builtin_resource.cc
WEFT_PAN_FUNCTION(list);
WEFT_PAN_FUNCTION(dict);
WEFT_PAN_FUNCTION(append);
WEFT_PAN_FUNCTION(prepend);
WEFT_PAN_FUNCTION(merge);
WEFT_PAN_FUNCTION(splice);
WEFT_PAN_FUNCTION(first);
WEFT_PAN_FUNCTION(next);
WEFT_PAN_FUNCTION(key);
WEFT_PAN_FUNCTION(index);
WEFT_PAN_FUNCTION(length);
WEFT_PAN_FUNCTION(clone);
WEFT_PAN_FUNCTION(delete_function);
WEFT_PAN_FUNCTION(return_function);
WEFT_PAN_CHECK(check_dict);
WEFT_PAN_CHECK(check_append);
WEFT_PAN_CHECK(check_iterator);
WEFT_PAN_CHECK(check_delete);
// builtin_template.cc
WEFT_PAN_FUNCTION(create);
WEFT_PAN_FUNCTION(value);
WEFT_PAN_FUNCTION(exists);
WEFT_PAN_FUNCTION(path_exists);
WEFT_PAN_FUNCTION(if_exists);
WEFT_PAN_FUNCTION(file_contents);
WEFT_PAN_FUNCTION(file_exists);
WEFT_PAN_CHECK(check_create);
WEFT_PAN_CHECK(check_value);
WEFT_PAN_CHECK(check_exists);
WEFT_PAN_CHECK(check_path_exists);
WEFT_PAN_CHECK(check_file);

#undef WEFT_PAN_FUNCTION
#undef WEFT_PAN_CHECK

// The i-th argument, evaluated; it must have the type.
inline Value argument(Evaluator& e, const Op& op, std::uint32_t i) {
  return e.eval(*op.args[i]);
}
[[noreturn]] void wrong_argument(const Op& op, std::uint32_t i, std::string_view wanted, const Value& got);
Value string_argument(Evaluator& e, const Op& op, std::uint32_t i);
std::int64_t long_argument(Evaluator& e, const Op& op, std::uint32_t i);
bool is_variable(const Op* op);

}  // namespace cdb::pan::library
