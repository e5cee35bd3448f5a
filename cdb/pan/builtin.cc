#include "cdb/pan/builtin.h"

#include <unordered_map>

#include "cdb/pan/builtin_list.h"

namespace cdb::pan {

namespace {

using namespace library;

// name, fewest and most arguments, only at run time, does not alias its arguments, code, check
constexpr Builtin kBuiltins[] = {
    {"append", 1, 2, false, false, append, check_append},
    {"base64_decode", 1, 1, false, true, base64_decode},
    {"base64_encode", 1, 1, false, true, base64_encode},
    {"clone", 1, 1, false, true, clone},
    {"create", 1, -1, true, false, create, check_create},
    {"debug", 1, -1, true, true, debug, check_message},
    {"delete", 1, 1, false, true, delete_function, check_delete},
    {"deprecated", 2, 2, false, true, deprecated, check_deprecated},
    {"dict", 0, -1, false, false, dict, check_dict},
    {"digest", 2, 2, false, true, digest, check_digest},
    {"error", 1, -1, true, true, error},
    {"escape", 1, 1, false, true, escape_function, check_escape},
    {"exists", 1, 1, true, true, exists, check_exists},
    {"file_contents", 1, 2, true, true, file_contents, check_file},
    {"file_exists", 1, 1, true, true, file_exists, check_file},
    {"first", 3, 3, false, false, first, check_iterator},
    {"format", 1, -1, false, true, format_function},
    {"if_exists", 1, 1, true, true, if_exists},
    {"index", 2, 3, false, true, index},
    {"ip4_to_long", 1, 1, false, true, ip4_to_long},
    {"is_boolean", 1, 1, false, true, is_kind, check_variable_lookup},
    {"is_defined", 1, 1, false, true, is_kind, check_variable_lookup},
    {"is_dict", 1, 1, false, true, is_kind, check_variable_lookup},
    {"is_double", 1, 1, false, true, is_kind, check_variable_lookup},
    {"is_list", 1, 1, false, true, is_kind, check_variable_lookup},
    {"is_long", 1, 1, false, true, is_kind, check_variable_lookup},
    {"is_nlist", 1, 1, false, true, is_kind, check_variable_lookup},
    {"is_null", 1, 1, false, true, is_kind, check_variable_lookup},
    {"is_number", 1, 1, false, true, is_kind, check_variable_lookup},
    {"is_property", 1, 1, false, true, is_kind, check_variable_lookup},
    {"is_resource", 1, 1, false, true, is_kind, check_variable_lookup},
    {"is_string", 1, 1, false, true, is_kind, check_variable_lookup},
    {"is_valid", 2, 2, true, true, is_valid, check_is_valid},
    {"join", 2, -1, false, true, join, check_join},
    {"json_decode", 1, 1, false, true, json_decode},
    {"json_encode", 1, 1, false, true, json_encode},
    {"key", 2, 2, false, true, key},
    {"length", 1, 1, false, true, length},
    {"list", 0, -1, false, false, list},
    {"long_to_ip4", 1, 1, false, true, long_to_ip4},
    {"match", 2, 3, false, true, match, check_match},
    {"matches", 2, 3, false, true, matches, check_match},
    {"max", 2, 2, false, true, maximum},
    {"merge", 1, -1, false, false, merge},
    {"min", 2, 2, false, true, minimum},
    {"next", 3, 3, false, false, next, check_iterator},
    {"nlist", 0, -1, false, false, dict, check_dict},
    {"path_exists", 1, 1, true, true, path_exists, check_path_exists},
    {"prepend", 1, 2, false, false, prepend, check_append},
    {"replace", 3, 3, false, true, replace, check_pattern},
    {"return", 1, 1, false, false, return_function},
    {"splice", 3, 4, false, false, splice},
    {"split", 2, 3, false, true, split, check_pattern},
    {"substitute", 1, 2, false, true, substitute},
    {"substr", 2, 3, false, true, substr},
    {"to_boolean", 1, 1, false, true, to_boolean},
    {"to_double", 1, 1, false, true, to_double},
    {"to_long", 1, 2, false, true, to_long},
    {"to_lowercase", 1, 1, false, true, to_lowercase},
    {"to_string", 1, 1, false, true, to_string},
    {"to_uppercase", 1, 1, false, true, to_uppercase},
    {"traceback", 1, 1, true, true, traceback, check_message},
    {"unescape", 1, 1, false, true, unescape_function, check_unescape},
    {"value", 1, 2, true, true, value, check_value},
};

}  // namespace

const Builtin* find_builtin(std::string_view name) {
  static const auto* const table = [] {
    auto* t = new std::unordered_map<std::string_view, const Builtin*>;
    for (const Builtin& builtin : kBuiltins) t->emplace(builtin.name, &builtin);
    return t;
  }();
  const auto found = table->find(name);
  return found == table->end() ? nullptr : found->second;
}

std::span<const Builtin> all_builtins() {
  return kBuiltins;
}

namespace library {

void wrong_argument(const Op& op, std::uint32_t i, std::string_view wanted, const Value& got) {
  raise(Problem::Kind::evaluation, wrong_argument_text(op.function->name, op.count, i, got), op.span,
        fmt::format("argument {} must be {}; it is {}", i + 1, wanted, tag_name(got.tag())));
}

Value string_argument(Evaluator& e, const Op& op, std::uint32_t i) {
  Value v = argument(e, op, i);
  if (!v.is_string()) wrong_argument(op, i, "a string", v);
  return v;
}

std::int64_t long_argument(Evaluator& e, const Op& op, std::uint32_t i) {
  const Value v = argument(e, op, i);
  if (!v.is_integer()) wrong_argument(op, i, "a long", v);
  return v.as_integer();
}

bool is_variable(const Op* op) {
  return op->kind == OpKind::variable || op->kind == OpKind::self;
}

}  // namespace library

}  // namespace cdb::pan
