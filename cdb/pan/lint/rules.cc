#include "cdb/pan/lint/rules.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/text/text.h"

namespace cdb::pan::lint {
namespace {

using enum Severity;

constexpr Rule kRules[] = {
    {"argv-unchecked", note, Needs::file, "a function reads ARGV without looking at ARGC",
     "A call with too few arguments then fails somewhere inside the function with a message about an index. A check of ARGC at "
     "its "
     "beginning says what is wrong with the call.",
     rules::argv_unchecked},
    {"constant-condition", warning, Needs::file, "if (true), if (false), while (false)",
     "What such an if guards always or never runs. It is mostly left over from trying something out. while (true) is fine.",
     rules::constant_condition},
    {"duplicate-field", warning, Needs::file, "a record names a field twice",
     "The last field silently wins, so one of the two types is not in force.", rules::duplicate_field},
    {"missing-include", error, Needs::include_path, "include or create() of a template that is not on the include path",
     "The compiler fails when it gets there. Names with variables in them count when all values of the variables are known "
     "strings; "
     "if_exists() is fine.",
     rules::missing_include},
    {"missing-type", warning, Needs::whole, "a path below /software/components/X is set, but no template binds a type to X",
     "Without a type the compiler takes whatever is set there: a misspelt field or a string where a number should be reaches the "
     "node. Bind the component's type.",
     rules::missing_type},
    {"name-mismatch", error, Needs::file, "the template's name does not fit its file's path",
     "Templates are found by name: a/b is looked for in a/b.pan below the include path.", rules::name_mismatch},
    {"nlist", note, Needs::file, "nlist() and is_nlist(), the old names of dict() and is_dict()",
     "Both names work and mean the same. --fix writes the new ones.", rules::nlist},
    {"odd-octal", warning, Needs::file, "a number with a leading 0 that is no file mode",
     "A leading 0 makes a number octal: 010 is eight. File modes (0644, 01777) are let through.", rules::odd_octal},
    {"overridden-default", warning, Needs::file, "a default (?=) beside a value in the same template",
     "'?=' counts only when nothing is there yet. Before an '=' of the same template, or behind it, it never counts.",
     rules::overridden_default},
    {"overwritten", warning, Needs::file, "a local variable gets another value before the first is read",
     "The first value is lost. Often one of the two names is misspelt.", rules::overwritten},
    {"shadowed-builtin", error, Needs::file, "a function or type with the name of one that Pan has itself",
     "Pan's own function wins, so the new one is never called. Types cannot be defined again.", rules::shadowed_builtin},
    {"shadowed-variable", warning, Needs::whole, "a local variable with the name of a global one",
     "Global variables cannot be assigned inside a block: the compile fails as soon as the global is set before the block runs. "
     "By "
     "custom, global names are in capitals and local ones are not.",
     rules::shadowed_variable},
    {"string-trap", warning, Needs::file, "a double-quoted string that seems to end, but goes on",
     "In \"a\\\\\" + \"b\" the string does not end at the second quote: the lexer takes the longest text that can be a string. "
     "Single "
     "quotes have no escapes and are safe.",
     rules::string_trap},
    {"tpl-suffix", note, Needs::file, "a file with the old suffix .tpl",
     "Files named .pan are found first; a .tpl beside a .pan of the same name is never read.", rules::tpl_suffix},
    {"type-mismatch", error, Needs::file, "a comparison of two different types",
     "Comparing a number with a string, or a boolean with either, is an evaluation error. Results of Pan's own functions count.",
     rules::type_mismatch},
    {"undefined-function", error, Needs::include_path, "a call of a function that no template defines",
     "The compiler fails when it gets there.", rules::undefined_function},
    {"undefined-type", error, Needs::include_path, "a type that no template defines", "The compiler fails when it gets there.",
     rules::undefined_type},
    {"undefined-variable", warning, Needs::include_path, "a variable that no template defines",
     "Reading it fails. Variables in exists() and is_defined() are fine.", rules::undefined_variable},
    {"unknown-field", error, Needs::include_path, "a path whose type has no such field",
     "The profile will not validate. Types bound at or above the path count; extensible records and types that are not known "
     "take anything.",
     rules::unknown_field},
    {"unreachable", warning, Needs::file, "code behind return() or error()", "It never runs.", rules::unreachable},
    {"unused-function", warning, Needs::whole, "a function that no template calls",
     "It is compiled for nothing, and readers believe that it matters.", rules::unused_function},
    {"unused-local", warning, Needs::file, "a local variable that is set and never read",
     "Often it is a misspelt name: the value never gets where it should.", rules::unused_local},
    {"unused-prefix", note, Needs::file, "a prefix that no relative path follows",
     "It has no effect; when the paths below it should have been relative, they are not.", rules::unused_prefix},
    {"unused-result", warning, Needs::file, "a value that is computed and dropped",
     "In the middle of a block only assignments and calls with effects do something. Often == stands where = should.",
     rules::unused_result},
    {"unused-template", warning, Needs::whole, "a template that nothing includes",
     "No include, create() or if_exists() can reach it. Names in any string and computed names that fit count as uses. Off "
     "unless "
     "named: sites keep whole libraries in their tree.",
     rules::unused_template, false},
    {"unused-type", warning, Needs::whole, "a type that is neither bound nor part of another",
     "It validates nothing. A bind may be missing.", rules::unused_type},
    {"unused-variable", warning, Needs::whole, "a global variable that no template reads",
     "Often it is a misspelt name, and the value in force is the default of the right one.", rules::unused_variable},
    {"valid-statement", note, Needs::file, "the old statement valid", "bind does the same and gives the path a type as well.",
     rules::valid_statement},
};

}  // namespace

std::string_view severity_name(Severity severity) {
  switch (severity) {
    case error: return "error";
    case warning: return "warning";
    case note: return "note";
  }
  return "";
}

void Findings::add_misspelt(Span span, std::string message, const std::vector<std::string>& near, std::string otherwise) {
  Finding& made = add(span, std::move(message),
                      near.empty() ? std::move(otherwise) : fmt::format("did you mean {}?", base::text::join(near, ", ")));
  for (const std::string& name : near) made.suggestions.push_back({span, name});
}

std::span<const Rule> all_rules() {
  return kRules;
}

const Rule* find_rule(std::string_view name) {
  const auto found = std::find_if(std::begin(kRules), std::end(kRules), [&](const Rule& rule) { return rule.name == name; });
  return found == std::end(kRules) ? nullptr : found;
}

}  // namespace cdb::pan::lint
