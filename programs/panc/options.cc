#include "programs/panc/options.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <functional>

#include "base/cli/cli.h"
#include "base/file/file.h"
#include "base/text/text.h"

namespace panc {

namespace {

using base::Errc;
using base::Result;

struct Option {
  std::string_view name;
  std::string_view short_name;
  std::string_view value;  // "" for a switch
  std::string_view help;
};
constexpr Option kOptions[] = {
    {"--include-path", "-I", "PATH", "folders to search for templates, colon-separated; may be repeated (default: .)"},
    {"--output-dir", "-o", "DIR", "folder for the output, must exist (default: .)"},
    {"--formats", "-f", "LIST",
     "pan, xml, json, text, dot, dep, null, none; pan, xml, json, dep also with .gz (default: pan,dep)"},
    {"--max-iteration", "", "N", "iterations allowed per loop (default: 10000)"},
    {"--max-recursion", "", "N", "calls and includes allowed inside each other (default: 50)"},
    {"--max-steps", "", "N", "iterations and calls allowed per object in all, 0: any number (default: 100000000)"},
    {"--max-seconds", "", "N", "processor seconds allowed to build an object, and again to validate it, 0: any (default: 60)"},
    {"--max-output", "", "MB", "size allowed for one profile, roughly as text, 0: any (default: 256)"},
    {"--nthread", "-j", "N", "threads, 0 for all processors (default: 0)"},
    {"--warnings", "", "WHEN", "what deprecated() does: off, on or fatal (default: on)"},
    {"--initial-data", "", "DICT", "a Pan expression for the root of every profile"},
    {"--debug", "", "", "print debug() and traceback() of all templates"},
    {"--debug-ns-include", "", "REGEX", "print debug() of templates with matching names"},
    {"--debug-ns-exclude", "", "REGEX", "but not of these"},
    {"--depend-db", "", "FILE", "remember in FILE what each profile read; build only those whose sources or outputs changed"},
    {"--rebuild", "", "", "with --depend-db: build all of them anew"},
    {"--explain", "", "PATH", "print where the values at PATH come from, write nothing; may be repeated, * and ? match names"},
    {"--json", "", "", "with --explain: as JSON"},
    {"--java-opts", "", "OPTS", "ignored, for scripts written for the Java compiler"},
    {"--logging", "", "LIST", "ignored, likewise"},
    {"--log-file", "", "FILE", "ignored, likewise"},
    {"--verbose", "-v", "", "print statistics at the end"},
    {"--man", "", "", "print the manual page"},
    {"--version", "", "", "print the version"},
    {"--help", "-h", "", "print this text"},
};

Result<int> number(std::string_view option, const std::string& text, int least) {
  int value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || value < least)
    return base::fail(Errc::invalid, fmt::format("{} needs a whole number from {} on, not '{}'", option, least, text));
  return value;
}

Result<> add_list_file(const std::string& name, std::vector<std::string>& files) {
  const std::string content = WEFT_TRY(base::file::read(name));
  for (const std::string& line : base::text::split(content, '\n')) {
    const std::string_view file = base::text::trim(line);
    if (!file.empty() && file[0] != '#') files.emplace_back(file);
  }
  return {};
}

Result<> add_include_path(const std::string& value, std::vector<std::string>& out) {
  for (const std::string& part : base::text::split(value, ':')) {
    const std::string folder = part.empty() ? "." : part;
    std::error_code error;
    if (!std::filesystem::is_directory(folder, error))
      return base::fail(Errc::invalid, fmt::format("--include-path: '{}' is not a folder", folder));
    out.push_back(std::filesystem::absolute(folder, error).lexically_normal().string());
    if (out.back().size() > 1 && out.back().back() == '/') out.back().pop_back();
  }
  return {};
}

Result<> apply(CommandLine& line, const Option& option, const std::string& value) {
  const std::string_view name = option.name;
  if (name == "--include-path") return add_include_path(value, line.include_path);
  if (name == "--output-dir") {
    std::error_code error;
    if (!std::filesystem::is_directory(value, error))
      return base::fail(Errc::invalid, fmt::format("--output-dir: '{}' is not a folder", value), "create it first");
    line.output_dir = value;
  } else if (name == "--formats") {
    line.formats.clear();
    for (const std::string& part : base::text::split(value, ',')) {
      const auto format = cdb::pan::parse_format(base::text::trim(part));
      if (!format)
        return base::fail(Errc::invalid,
                          fmt::format("--formats: there is no format '{}'{}", part,
                                      base::text::did_you_mean_suffix(part, cdb::pan::format_names())),
                          fmt::format("choose from {}", fmt::join(cdb::pan::format_names(), ", ")));
      line.formats.push_back(*format);
    }
  } else if (name == "--max-iteration") {
    line.compiler.max_iteration = WEFT_TRY(number(name, value, 1));
  } else if (name == "--max-recursion") {
    line.compiler.max_recursion = WEFT_TRY(number(name, value, 1));
  } else if (name == "--max-steps") {
    line.compiler.max_steps = WEFT_TRY(number(name, value, 0));
  } else if (name == "--max-seconds") {
    line.compiler.max_seconds = WEFT_TRY(number(name, value, 0));
  } else if (name == "--max-output") {
    line.compiler.max_output = std::int64_t{WEFT_TRY(number(name, value, 0))} << 20;
  } else if (name == "--nthread") {
    line.compiler.threads = WEFT_TRY(number(name, value, 0));
  } else if (name == "--warnings") {
    using Warnings = cdb::pan::Options::Warnings;
    if (value == "off")
      line.compiler.warnings = Warnings::off;
    else if (value == "on")
      line.compiler.warnings = Warnings::on;
    else if (value == "fatal")
      line.compiler.warnings = Warnings::fatal;
    else
      return base::fail(Errc::invalid, fmt::format("--warnings must be off, on or fatal, not '{}'", value));
  } else if (name == "--initial-data") {
    line.compiler.initial_data = value;
  } else if (name == "--debug") {
    line.compiler.debug_include = ".*";
  } else if (name == "--debug-ns-include") {
    line.compiler.debug_include = value;
  } else if (name == "--debug-ns-exclude") {
    line.compiler.debug_exclude = value;
  } else if (name == "--depend-db") {
    if (value.empty()) return base::fail(Errc::invalid, "--depend-db needs a file name");
    line.depend_db = value;
  } else if (name == "--rebuild") {
    line.rebuild = true;
  } else if (name == "--explain") {
    if (!value.starts_with('/'))
      return base::fail(Errc::invalid, fmt::format("--explain needs an absolute path, not '{}'", value),
                        "--explain / shows everything");
    line.explain.push_back(value);
  } else if (name == "--json") {
    line.json = true;
  } else if (name == "--verbose") {
    line.verbose = true;
  } else if (name == "--version") {
    line.version = true;
  } else if (name == "--man") {
    line.man = true;
  } else if (name == "--help") {
    line.help = true;
  }
  return {};
}

}  // namespace

Result<CommandLine> parse_command_line(int argc, char** argv) {
  CommandLine line;
  bool only_files = false;
  for (int i = 1; i < argc; ++i) {
    std::string word = argv[i];
    if (only_files || word.empty() || word[0] != '-' || word == "-") {
      if (!only_files && word.size() > 1 && word[0] == '@') {
        WEFT_TRY(add_list_file(word.substr(1), line.files));
      } else {
        line.files.push_back(word);
      }
      continue;
    }
    if (word == "--") {
      only_files = true;
      continue;
    }
    std::optional<std::string> value;
    if (const std::size_t equal = word.find('='); word.starts_with("--") && equal != std::string::npos) {
      value = word.substr(equal + 1);
      word.resize(equal);
    }
    const auto* option = std::find_if(std::begin(kOptions), std::end(kOptions),
                                      [&](const Option& o) { return o.name == word || o.short_name == word; });
    if (option == std::end(kOptions)) {
      std::vector<std::string> names;
      for (const Option& o : kOptions) names.emplace_back(o.name);
      return base::fail(Errc::invalid, fmt::format("unknown option {}{}", word, base::text::did_you_mean_suffix(word, names)),
                        "panc --help lists the options");
    }
    if (!option->value.empty() && !value) {
      if (i + 1 >= argc) return base::fail(Errc::invalid, fmt::format("{} needs a value: {}", word, option->value));
      value = argv[++i];
    }
    WEFT_TRY(apply(line, *option, value.value_or("")));
  }
  if (line.rebuild && line.depend_db.empty()) return base::fail(Errc::invalid, "--rebuild belongs to --depend-db");
  if (!line.depend_db.empty() && !line.explain.empty())
    return base::fail(Errc::invalid, "--explain writes nothing and cannot go with --depend-db");
  if (line.json && line.explain.empty()) return base::fail(Errc::invalid, "--json belongs to --explain");
  if (!line.explain.empty() && line.files.size() > 1)
    return base::fail(Errc::invalid, fmt::format("--explain takes one profile, not {}", line.files.size()));
  if (line.include_path.empty()) WEFT_TRY(add_include_path(".", line.include_path));
  if (line.formats.empty()) line.formats = {{cdb::pan::Format::pan}, {cdb::pan::Format::dep}};
  return line;
}

std::string usage() {
  std::string out =
      "usage: panc [options] FILE.pan ... [@LISTFILE]\n\nCompiles object templates; each file must be named after its "
      "template.\n\n";
  for (const Option& o : kOptions) {
    std::string left =
        fmt::format("{}{}{}{}{}", o.name, o.value.empty() ? "" : " ", o.value, o.short_name.empty() ? "" : ", ", o.short_name);
    out += fmt::format("  {:<28} {}\n", left, o.help);
  }
  out +=
      "\nExamples:\n"
      "  panc -I templates:site -o out -f json,dep profiles/*.pan    profiles and dependency files in out/\n"
      "  panc -f none profiles/*.pan                                 only look for syntax errors\n"
      "  panc -I templates:site -o out --depend-db out/.panc.db profiles/*.pan    only what changed since the last time\n"
      "  panc -I templates:site --explain /system profiles/n1.pan    which lines set the values below /system\n"
      "\nExit codes: 0 all profiles are written; 1 some failed; 2 wrong command line.\n";
  return out;
}

void print_manual() {
  base::cli::Command tool;
  tool.name = "panc";
  tool.summary = "compile Pan templates into profiles";
  tool.description =
      "Compiles object templates; each file must be named after its template. The command line is that of Quattor's compiler. "
      "Errors go to stderr with file, line, column, the line itself and what was meant.\n\n"
      "Exit codes: 0 all profiles are written; 1 some failed; 2 wrong command line.";
  for (const Option& o : kOptions) {
    base::cli::Option option;
    option.name = std::string(o.name) + (o.short_name.empty() ? "" : ",") + std::string(o.short_name);
    option.value = o.value;
    option.help = o.help;
    tool.options.push_back(std::move(option));
  }
  tool.options.push_back({.name = "[FILE...]", .help = "object templates; @LISTFILE names a file with one name per line"});
  tool.examples = {
      {"panc -I templates:site -o out -f json,dep profiles/*.pan", "profiles and dependency files in out/"},
      {"panc -f none profiles/*.pan", "only look for syntax errors"},
      {"panc -I templates:site -o out --depend-db out/.panc.db profiles/*.pan", "only what changed since the last time"},
      {"panc -I templates:site --explain /system profiles/n1.pan", "which lines set the values below /system"}};
  std::string program = "panc", verb = "man";
  char* words[] = {program.data(), verb.data(), nullptr};
  base::cli::main(tool, 2, words);
}

}  // namespace panc
