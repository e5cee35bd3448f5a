// Command lines declared once: parsing, --help with examples, man pages and shell completion come from the same table. Wraps
// CLI11. Used by programs/. Single-threaded.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/diag/result.h"

namespace base::cli {

struct Option {
  std::string name;           // "--roles,-r"; a positional has no dashes: "NODE..." (one or more), "[PATH]" (optional), "DIR"
  std::string value;          // placeholder "LIST"; empty: a flag
  std::string help;           // one line
  std::string default_value;  // shown and used
  bool required = false;
  std::vector<std::string> choices;  // when not empty, other values are refused with "did you mean"
};

struct Example {
  std::string command, explains;
};

// What the person typed. Names have no dashes, brackets or dots and keep their case: "json" for "--json,-j", "NODE" for
// "[NODE...]".
class Arguments {
 public:
  bool has(std::string_view name) const;              // given or with a default; for a flag: set
  std::string_view get(std::string_view name) const;  // "" when absent and without default
  std::vector<std::string> all(std::string_view name) const;
  std::map<std::string, std::vector<std::string>, std::less<>> values;
};

// Exit codes: 0 done, 1 the thing asked for failed, 2 the command line was wrong, 3 refused by rights or a safety rule, 4 not
// reachable.
struct Command {
  std::string name;
  std::string summary;      // one line
  std::string description;  // paragraphs for --help and the man page
  std::vector<Option> options;
  std::vector<Example> examples;
  std::function<int(const Arguments&)> run;  // absent: a group of sub-commands
  std::vector<Command> commands;
  int manual_section = 1;  // of the tool: 8 for daemons
};

// Parses and runs. Handles --help, --version, `completion bash|zsh|fish`, `man` (roff of the whole tool on stdout).
int main(const Command& tool, int argc, char** argv);

// stderr: "weft: error: ..." with chain and hint, coloured on a terminal; returns the exit code for the error's code.
int report(std::string_view tool, const Error& error);

// A table for people: columns padded, truncated to the terminal's width only on a terminal.
std::string table(const std::vector<std::string>& header, const std::vector<std::vector<std::string>>& rows);

}  // namespace base::cli
