// The declared command table, resolved: names of options, the command a line means, the words each place accepts. Private to this
// room: parsing, help, man page and completion read the same facts here. Pure, any thread.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/cli/cli.h"

namespace base::cli {

// "--roles,-r" or "NODE..." taken apart.
struct Shape {
  bool positional = false;
  bool many = false;               // a positional that takes several values
  bool optional = false;           // a positional in brackets
  std::string key;                 // "roles", "NODE"
  std::vector<std::string> flags;  // "--roles", "-r"; long ones first
};
Shape shape_of(const Option& option);

// The way from the tool to one command.
using Route = std::vector<const Command*>;
std::string spelled(const Route& route);  // "weft node list"
// Every command of the tool, the tool itself first, depth first.
std::vector<Route> all_routes(const Command& tool);
// The command's own options and those its groups declare for all of theirs.
std::vector<const Option*> options_of(const Route& route);
std::vector<std::string> command_names(const Command& command);

// Text for --help, for `man`, and for `completion SHELL` (Errc::invalid for another shell).
std::string help_text(const Route& route, bool colour);
std::string man_text(const Command& tool);
Result<std::string> completion_text(const Command& tool, std::string_view shell);

// Parses the words after the route's command. Errc::invalid: the line is wrong; `help_wanted` is set instead when asked.
Result<Arguments> parse_options(const Route& route, std::span<const std::string> words, bool& help_wanted);

}  // namespace base::cli
