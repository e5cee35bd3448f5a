#include "cdb/pan/lsp/builtin_docs.h"

#include <fmt/format.h>

#include <algorithm>

namespace cdb::pan::lsp {
namespace {

constexpr BuiltinDoc kBuiltins[] = {
    {"append", "[list], value", "list",
     "The list with the value at its end. With one argument SELF is the list; a local variable is changed in place."},
    {"base64_decode", "text", "string", "The text that was Base64-coded."},
    {"base64_encode", "text", "string", "The text in Base64, lines of 76 characters."},
    {"clone", "value", "value", "A copy with nothing shared: changing it leaves the original alone."},
    {"create", "template, [key, value]...", "dict",
     "The tree that a structure template builds; each key and value replaces what it sets."},
    {"debug", "[format], value...", "string", "Prints a message when debugging is on for this template; removed otherwise."},
    {"delete", "variable", "undef", "Removes a local variable or one of its elements."},
    {"deprecated", "level, message", "string", "A warning, or an error when warnings are fatal, that something is out of use."},
    {"dict", "[key, value]...", "dict", "A dict of the keys and values; a null value leaves its key out."},
    {"digest", "algorithm, text", "string", "The hexadecimal digest: MD5, SHA, SHA-1, SHA-256, SHA-384, SHA-512."},
    {"error", "[format], value...", "", "Ends the compile of this profile with the message."},
    {"escape", "text", "string", "The text as a path step: what is no letter or digit becomes _xx."},
    {"exists", "variable or path", "boolean", "Is there such a variable, element or path? undef counts as there."},
    {"file_contents", "file, [compression]", "string", "The content of a text file on the include path."},
    {"file_exists", "file", "boolean", "Is there such a text file on the include path?"},
    {"first", "resource, key, value", "boolean",
     "Starts a walk: sets the two variables to the first key (or index) and value; false when empty."},
    {"format", "format, value...", "string", "Java's String.format: %s, %d, %5.2f, %x, ..."},
    {"if_exists", "template", "string or undef",
     "The name when such a template is on the include path, for include; otherwise undef."},
    {"index", "what, resource, [start]", "long or string",
     "Where a substring, a list element or a dict value is; -1 or \"\" when nowhere."},
    {"ip4_to_long", "address", "list of long", "Address and mask of \"a.b.c.d/n\" as numbers."},
    {"is_boolean", "value", "boolean", "Is it a boolean?"},
    {"is_defined", "value", "boolean", "Is it there and neither undef nor null?"},
    {"is_dict", "value", "boolean", "Is it a dict?"},
    {"is_double", "value", "boolean", "Is it a double?"},
    {"is_list", "value", "boolean", "Is it a list?"},
    {"is_long", "value", "boolean", "Is it a long?"},
    {"is_nlist", "value", "boolean", "The old name of is_dict()."},
    {"is_null", "value", "boolean", "Is it null?"},
    {"is_number", "value", "boolean", "Is it a long or a double?"},
    {"is_property", "value", "boolean", "Is it a boolean, number or string?"},
    {"is_resource", "value", "boolean", "Is it a list or a dict?"},
    {"is_string", "value", "boolean", "Is it a string?"},
    {"is_valid", "type, value", "boolean", "Does the value fit the type?"},
    {"join", "separator, list or value...", "string", "The strings with the separator between them."},
    {"json_decode", "text", "value", "The tree that a JSON text says."},
    {"json_encode", "value", "string", "The value as JSON, laid out for people."},
    {"key", "dict, n", "string", "The n-th key of a dict, from 0, in order of keys."},
    {"length", "value", "long", "Characters of a string (UTF-16 units), elements of a list or dict."},
    {"list", "[value]...", "list", "A list of the values."},
    {"long_to_ip4", "number", "string", "The number as an address a.b.c.d."},
    {"match", "text, regex, [flags]", "boolean", "Does the regular expression fit somewhere in the text? Flags: i, m, s, u, x."},
    {"matches", "text, regex, [flags]", "list of string", "The matched text and its groups; empty when it does not match."},
    {"max", "a, b", "number", "The larger of two numbers."},
    {"merge", "resource...", "resource", "Lists joined, or dicts joined; a key in two dicts is an error."},
    {"min", "a, b", "number", "The smaller of two numbers."},
    {"next", "resource, key, value", "boolean", "Goes on with the walk that first() began; false at the end."},
    {"nlist", "[key, value]...", "dict", "The old name of dict()."},
    {"path_exists", "path", "boolean", "Is there such a path in this profile, or with \"object:/path\" in another?"},
    {"prepend", "[list], value", "list", "The list with the value at its beginning. With one argument SELF is the list."},
    {"replace", "regex, replacement, text", "string", "All matches replaced; $1 in the replacement is a group."},
    {"return", "value", "", "Leaves the function or block with this value."},
    {"splice", "value, start, length, [insert]", "value", "The string or list with a part taken out and another put in."},
    {"split", "regex, [limit], text", "list of string", "The parts between matches of the regular expression."},
    {"substitute", "text, [values]", "string", "${NAME} in the text replaced by variables, or by the values of a dict."},
    {"substr", "text, start, [length]", "string", "A part of the text; a negative start counts from the end."},
    {"to_boolean", "value", "boolean", "The value as a boolean."},
    {"to_double", "value", "double", "The value as a double."},
    {"to_long", "value, [base]", "long", "The value as a long; strings may be in another base, 10 when not given."},
    {"to_lowercase", "text", "string", "The text in small letters."},
    {"to_string", "value", "string", "The value as text."},
    {"to_uppercase", "text", "string", "The text in capital letters."},
    {"traceback", "message", "string", "Prints the call stack when debugging is on for this template; removed otherwise."},
    {"unescape", "text", "string", "The text that escape() made a path step of."},
    {"value", "path, [default]", "value",
     "What is at a path of this profile, or with \"object:/path\" of another; with a default when it is not there."},
};

constexpr WordDoc kAutomatic[] = {
    {"ARGC", "How many arguments this function was called with."},
    {"ARGV", "The arguments of this function, a list."},
    {"FUNCTION", "The name of the function that runs."},
    {"LOADPATH", "Folders below the include path where templates are looked for as well; set by the site."},
    {"OBJECT", "The name of the object template that is compiled."},
    {"SELF", "The value at the path or of the variable that this statement sets; in a validation the value to check."},
    {"TEMPLATE", "The name of the template that runs."},
};

constexpr WordDoc kKeywords[] = {
    {"bind", "bind '/path' = TYPE: what is at the path must fit the type."},
    {"choice", "choice('a', 'b'): a type of one of these strings."},
    {"declaration", "declaration template NAME: only variables, functions and types; runs once per profile."},
    {"else", "What runs when the condition of if is false."},
    {"extensible", "extensible { ... }: a record that takes other fields too."},
    {"false", "The boolean false."},
    {"final", "final 'path' or final variable: may not be changed any more."},
    {"for", "for (start; condition; step) body."},
    {"foreach", "foreach (key; value; resource) body: over the elements of a list or dict."},
    {"function", "function NAME = { ... }: its arguments are in ARGV, their number in ARGC."},
    {"if", "if (condition) what [else what]."},
    {"include", "include 'name' or include { expression }: runs another template here."},
    {"null", "Removes what it is assigned to."},
    {"object", "object template NAME: a machine; its profile is written."},
    {"prefix", "prefix '/path': relative paths below go under it."},
    {"structure", "structure template NAME: a part for create()."},
    {"template", "template NAME: each file begins with one."},
    {"true", "The boolean true."},
    {"type", "type NAME = TYPE."},
    {"undef", "No value yet: must be replaced before the profile is complete."},
    {"unique", "unique template NAME: included once per profile at most."},
    {"valid", "valid '/path' = { ... }: the old form of bind with a validation."},
    {"variable", "variable NAME = value, or ?= for a default."},
    {"while", "while (condition) body."},
    {"with", "TYPE with { ... }: a validation; SELF is the value, the result must be true."},
};

constexpr WordDoc kTypes[] = {
    {"boolean", "true or false."},
    {"dict", "A dict of any elements."},
    {"double", "A floating-point number."},
    {"element", "Anything."},
    {"list", "A list of any elements."},
    {"long", "A whole number of 64 bits."},
    {"nlist", "The old name of dict."},
    {"number", "A long or a double."},
    {"property", "A boolean, number or string."},
    {"resource", "A list or a dict."},
    {"string", "Text."},
};

}  // namespace

std::string BuiltinDoc::signature() const {
  return result.empty() ? fmt::format("{}({})", name, parameters) : fmt::format("{}({}): {}", name, parameters, result);
}

std::span<const BuiltinDoc> builtin_docs() {
  return kBuiltins;
}

const BuiltinDoc* find_builtin_doc(std::string_view name) {
  const auto found =
      std::find_if(std::begin(kBuiltins), std::end(kBuiltins), [&](const BuiltinDoc& doc) { return doc.name == name; });
  return found == std::end(kBuiltins) ? nullptr : found;
}

std::span<const WordDoc> automatic_variable_docs() {
  return kAutomatic;
}
std::span<const WordDoc> keyword_docs() {
  return kKeywords;
}
std::span<const WordDoc> type_docs() {
  return kTypes;
}

}  // namespace cdb::pan::lsp
