// `weft pan fmt`: the canonical layout for template files.
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>

#include "base/file/file.h"
#include "base/text/text.h"
#include "cdb/pan/format/format.h"
#include "cdb/pan/syntax/excerpt.h"
#include "programs/weft/output.h"
#include "programs/weft/pan.h"
#include "programs/weft/pan_files.h"
#include "programs/weft/session.h"

namespace programs::weft {
namespace {

namespace fs = std::filesystem;
using base::cli::Arguments;
using base::profile::Dict;
using base::profile::List;
using base::profile::Value;

base::Result<std::string> read_stdin() {
  std::string out;
  char block[1 << 16];
  while (const std::size_t got = std::fread(block, 1, sizeof block, stdin)) out.append(block, got);
  if (std::ferror(stdin) != 0) return base::fail(base::Errc::unavailable, "standard input cannot be read");
  return out;
}

// The canonical text; Errc::invalid with all places when the file does not parse.
base::Result<std::string> canonical(const std::string& name, const std::string& text) {
  const auto tree = cdb::pan::syntax::Tree::parse(text);
  if (!tree.errors().empty())
    return base::fail(base::Errc::invalid, cdb::pan::syntax::errors_text(tree, name),
                      "correct the text first: it was left as it is");
  auto out = cdb::pan::format::formatted(tree);
  if (!out) out.error().message = name + ": " + out.error().message;
  return out;
}

// Through symbolic links; mode and, for root, owner stay.
base::Result<> replace(const std::string& name, const std::string& content) {
  std::error_code error;
  const fs::path file = fs::canonical(name, error);
  struct stat info {};
  if (error || ::stat(file.c_str(), &info) != 0)
    return base::fail(base::Errc::not_found, fmt::format("{} went away while it was formatted", name), "run again");
  base::file::WriteOptions options{.mode = static_cast<mode_t>(info.st_mode & 07777), .owner = {}, .group = {}};
  if (::geteuid() == 0) {
    options.owner = info.st_uid;
    options.group = info.st_gid;
  }
  return base::file::write_atomic(file, content, options);
}

int wrong_line(std::string message, std::string hint) {
  base::cli::report("weft", {base::Errc::invalid, std::move(message), std::move(hint), {}});
  return 2;
}

base::Result<int> format_stdin(bool check, bool diff) {
  const std::string text = WEFT_TRY(read_stdin());
  const std::string out = WEFT_TRY(canonical("<stdin>", text));
  if (diff)
    fmt::print("{}", diff_text(base::text::unified_diff(text, out, "<stdin>", "<stdin>, formatted"), ""));
  else if (!check)
    std::fwrite(out.data(), 1, out.size(), stdout);
  return check && out != text ? 1 : 0;
}

base::Result<int> format_files(const std::vector<std::string>& names, bool check, bool diff, bool json) {
  const std::vector<std::string> files = WEFT_TRY(named_templates(names));
  List rows;
  std::size_t changed = 0, failed = 0;
  for (const std::string& name : files) {
    auto text = base::file::read(name);
    auto out = text ? canonical(name, *text) : base::Result<std::string>(base::fail(text.error()));
    const bool differs = out && *out != *text;
    if (differs && !check && !diff) {
      if (auto written = replace(name, *out); !written) out = base::fail(written.error());
    }
    const std::string difference =
        out && differs && diff ? base::text::unified_diff(*text, *out, name, name + ", formatted") : std::string();
    if (!out)
      ++failed;
    else if (differs)
      ++changed;
    if (json) {
      Dict row{{"file", name}, {"changed", out && differs}};
      if (!out) row.insert_or_assign("error", out.error().message);
      if (!difference.empty()) row.insert_or_assign("diff", difference);
      rows.emplace_back(std::move(row));
    } else if (!out) {
      std::fflush(stdout);
      base::cli::report("weft", out.error());
    } else if (!difference.empty()) {
      fmt::print("{}", diff_text(difference, ""));
    } else if (differs) {
      fmt::print("{}\n", name);
    }
  }
  if (json) {
    print_json(Dict{{"files", std::move(rows)},
                    {"changed", static_cast<std::int64_t>(changed)},
                    {"failed", static_cast<std::int64_t>(failed)}});
  } else {
    std::fflush(stdout);
    fmt::print(stderr, "{} of {} files {}{}\n", changed, files.size(),
               check || diff ? "have another layout than the canonical one" : "were given the canonical layout",
               failed > 0 ? fmt::format(", {} could not be read", failed) : "");
  }
  return failed > 0 || (check && changed > 0) ? 1 : 0;
}

int fmt_files(const Arguments& arguments) {
  const bool check = arguments.has("check"), diff = arguments.has("diff"), from_stdin = arguments.has("stdin");
  const auto names = arguments.all("PATH");
  if (from_stdin && !names.empty()) return wrong_line("--stdin reads standard input only", "leave out the files or --stdin");
  if (from_stdin && arguments.has("json")) return wrong_line("--json lists files; --stdin has none", "leave out one of them");
  if (!from_stdin && names.empty())
    return wrong_line("weft pan fmt needs files or folders", "weft pan fmt . formats all templates below the current folder");
  return run([&] { return from_stdin ? format_stdin(check, diff) : format_files(names, check, diff, arguments.has("json")); });
}

}  // namespace

base::cli::Command pan_fmt() {
  base::cli::Command command;
  command.name = "fmt";
  command.summary = "give templates the canonical layout";
  command.description =
      "Spaces, indentation (4), blank lines, braces and lines over 120 characters get one form; which lists and expressions are "
      "broken "
      "over lines stays the author's choice. Tokens, comments, annotations and heredocs are never changed: the result is checked "
      "before a file is replaced. Files that do not parse are reported and left alone.\n\n"
      "Prints the files that change. Exit codes: 0 done; 1 a file could not be read or, with --check, would change; 2 wrong "
      "command "
      "line.";
  command.options = {{.name = "[PATH...]", .help = "files, or folders with *.pan and *.tpl"},
                     {.name = "--check", .help = "write nothing; exit 1 when a file would change"},
                     {.name = "--diff", .help = "write nothing; show what would change"},
                     {.name = "--stdin", .help = "format standard input to standard output, for editors"},
                     {.name = "--json", .help = "print JSON for programs"}};
  command.examples = {{"weft pan fmt .", "all templates below the current folder"},
                      {"weft pan fmt --check templates", "for a commit hook: which files would change"},
                      {"weft pan fmt --diff site/config.pan", "look before"},
                      {"weft pan fmt --stdin < new.pan", "what an editor calls"}};
  command.run = fmt_files;
  return command;
}

}  // namespace programs::weft
