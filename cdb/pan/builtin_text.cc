#include "cdb/pan/builtin_text.h"

#include <fmt/format.h>

namespace cdb::pan::library {

namespace {

struct Row {
  std::string_view function;
  std::uint32_t argument;
  std::string_view text;  // {} is the type that was found
};
constexpr Row kArguments[] = {
    {"append", 0, "first argument of append() must be a variable reference or a list"},
    {"base64_decode", 0, "argument for base64_decode() must be a string"},
    {"base64_encode", 0, "argument for base64_encode() must be a string"},
    {"create", 0, "first argument of create() must be a string"},
    {"deprecated", 0, "first argument of deprecated() must be a non-negative long"},
    {"deprecated", 1, "second argument of deprecated() must be a string"},
    {"digest", 0, "first argument of digest() must be a string"},
    {"digest", 1, "second argument of digest() must be a string"},
    {"error", 0, "first argument to format() must be a string"},
    {"escape", 0, "escape argument is not a string: {}"},
    {"exists", 0, "exists() requires one variable reference or string argument"},
    {"file_contents", 1, "file_contents() requires a relative file name"},
    {"first", 0, "first argument to first() must be a resource"},
    {"format", 0, "first argument to format() must be a string"},
    {"if_exists", 0, "if_exists argument is not a string: {}"},
    {"index", 2, "third argument of index() must be a long"},
    {"ip4_to_long", 0, "argument to ip4_to_long() must be a string"},
    {"join", 0, "first argument in join() must be a string"},
    {"json_decode", 0, "argument for json_decode() must be a string"},
    {"key", 0, "first argument to key() must be a dict"},
    {"key", 1, "second argument to key() must be a long"},
    {"length", 0, "argument to length must be undef, string, or resource; element of type {} is not valid"},
    {"long_to_ip4", 0, "argument to long_to_ip4 must be a long"},
    {"next", 0, "first argument to next() must be a resource"},
    {"path_exists", 0, "path_exists() requires exactly one string argument"},
    {"prepend", 0, "first argument of prepend() must be a variable reference or a list"},
    {"replace", 0, "first argument to replace() must be a regular expression string"},
    {"replace", 1, "second argument to replace() must be a replacement string"},
    {"replace", 2, "third argument to replace() must be a string"},
    {"splice", 0, "first argument of splice() must be a string or list"},
    {"splice", 1, "second argument to splice() must be a long"},
    {"splice", 2, "third argument to splice() must be a long"},
    {"split", 0, "first argument to split() must be a regular expression string"},
    {"split", 1, "second argument to split() must be a long value"},
    {"split", 2, "last argument to split() must be a string"},
    {"substitute", 0, "first argument to substitute() must be a string"},
    {"substitute", 1, "second argument to substitute() must be an nlist"},
    {"substr", 0, "first argument to substr() must be a string"},
    {"substr", 1, "second argument to substr() must be a long"},
    {"substr", 2, "second and optional third arguments to substr() must be longs"},
    {"to_boolean", 0, "to_boolean argument is not a property: {}"},
    {"to_double", 0, "to_double argument is not a property: {}"},
    {"to_long", 0, "invalid argument of type {}; expecting a property"},
    {"to_lowercase", 0, "invalid argument to to_lowercase(); string required"},
    {"to_uppercase", 0, "invalid argument to to_uppercase(); string required"},
    {"traceback", 0, "traceback() requires exactly one string argument"},
    {"unescape", 0, "unescape argument is not a string: {}"},
    {"value", 0, "value() requires one string argument; {} found"},
};

constexpr std::pair<std::string_view, std::string_view> kCounts[] = {
    {"create", "create() requires an odd number of arguments"},
    {"escape", "escape() requires exactly one string argument"},
    {"format", "first argument of format() must be a string"},
    {"if_exists", "if_exists() requires exactly one string argument"},
    {"index", "index() must have two or three arguments"},
    {"is_nlist", "is_dict() requires exactly one argument"},
    {"join", "join() requires two or more arguments"},
    {"match", "match() must have two or three arguments"},
    {"matches", "matches() must have two or three arguments"},
    {"splice", "splice() must have three or four arguments"},
    {"split", "split() must have two or three arguments"},
    {"substr", "substr() must have two or three arguments"},
    {"to_lowercase", "to_lowercase() requires exactly one string argument"},
    {"to_uppercase", "to_uppercase() requires exactly one string argument"},
    {"traceback", "traceback() requires exactly one string argument"},
    {"unescape", "unescape() requires exactly one string argument"},
};

}  // namespace

std::string wrong_argument_text(std::string_view function, std::uint32_t count, std::uint32_t i, const Value& got) {
  if (function == "debug")
    return count == 1 ? "debug() requires exactly one string argument" : "first argument to format() must be a string";
  // The subject of split() is its last argument, whether there is a limit or not.
  if (function == "split" && i == 1 && count == 2) i = 2;
  if (function == "to_long" && i == 1)
    return got.is_property() ? fmt::format("radix must be a long not {}", tag_name(got.tag()))
                             : fmt::format("invalid argument of type {}; expecting a property", tag_name(got.tag()));
  for (const Row& row : kArguments)
    if (row.function == function && row.argument == i) return fmt::format(fmt::runtime(row.text), tag_name(got.tag()));
  return fmt::format("argument {} of {}() cannot be of type {}", i + 1, function, tag_name(got.tag()));
}

std::string wrong_count_text(const Builtin& function) {
  for (const auto& [name, text] : kCounts)
    if (name == function.name) return std::string(text);
  static constexpr std::string_view words[] = {"no", "one", "two", "three", "four"};
  const int least = function.min_args, most = function.max_args;
  const std::string wanted = most < 0        ? fmt::format("at least {}", words[least])
                             : least == most ? fmt::format("exactly {}", words[least])
                                             : fmt::format("exactly {} or {}", words[least], words[most]);
  return fmt::format("{}() requires {} argument{}", function.name, wanted, (most < 0 ? least : most) == 1 ? "" : "s");
}

}  // namespace cdb::pan::library
