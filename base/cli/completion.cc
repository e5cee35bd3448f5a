#include <fmt/format.h>

#include "base/cli/table.h"
#include "base/text/text.h"

namespace base::cli {
namespace {

std::string single_quoted(std::string_view text) {
  std::string out = "'";
  for (const char c : text) out += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return out + "'";
}

// What may stand after a route: sub-commands, flags, and the choices of its positionals.
std::vector<std::string> words_of(const Route& route) {
  auto words = command_names(*route.back());
  if (route.size() == 1) words.insert(words.end(), {"completion", "man", "--version"});
  for (const auto* option : options_of(route)) {
    const auto shape = shape_of(*option);
    words.insert(words.end(), shape.flags.begin(), shape.flags.end());
    if (shape.positional) words.insert(words.end(), option->choices.begin(), option->choices.end());
  }
  words.emplace_back("--help");
  return words;
}

// "weft node list:--state" -> the words that may follow; nothing but file names for other options with a value.
struct AfterFlag {
  std::string place;
  std::vector<std::string> choices;
};
std::vector<AfterFlag> after_flags(const Route& route) {
  std::vector<AfterFlag> out;
  for (const auto* option : options_of(route)) {
    if (option->value.empty()) continue;
    for (const auto& flag : shape_of(*option).flags) out.push_back({spelled(route) + ":" + flag, option->choices});
  }
  return out;
}

// The same state machine in each shell: `route` grows while words name sub-commands; then one table says what may follow.
std::string shell_cases(const Command& tool, std::string_view assign) {
  std::string flags, words;
  for (const auto& route : all_routes(tool)) {
    for (const auto& [place, choices] : after_flags(route))
      flags += fmt::format("    {}) {}{} ;;\n", single_quoted(place), assign, single_quoted(text::join(choices, " ")));
    words +=
        fmt::format("    {}) {}{} ;;\n", single_quoted(spelled(route)), assign, single_quoted(text::join(words_of(route), " ")));
  }
  words += fmt::format("    {}) {}'bash zsh fish' ;;\n", single_quoted(tool.name + " completion"), assign);
  return fmt::format("  case \"$route:$previous\" in\n{}    *) case \"$route\" in\n{}    esac ;;\n  esac\n", flags, words);
}

std::string routes_pattern(const Command& tool) {
  std::string out = single_quoted(tool.name + " completion");
  for (const auto& route : all_routes(tool))
    if (route.size() > 1) out += "|" + single_quoted(spelled(route));
  return out;
}

std::string function_name(std::string_view tool) {
  std::string out = "_";
  for (const char c : tool) out += (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ? c : '_';
  return out + "_complete";
}

std::string bash(const Command& tool) {
  return fmt::format(
      "# bash completion for {0}: source <({0} completion bash)\n"
      "{1}() {{\n"
      "  local current=${{COMP_WORDS[COMP_CWORD]}} previous=${{COMP_WORDS[COMP_CWORD-1]}} route={0} words= i\n"
      "  for ((i = 1; i < COMP_CWORD; i++)); do\n"
      "    case \"$route ${{COMP_WORDS[i]}}\" in\n"
      "      {2}) route=\"$route ${{COMP_WORDS[i]}}\" ;;\n"
      "    esac\n"
      "  done\n"
      "{3}"
      "  COMPREPLY=($(compgen -W \"$words\" -- \"$current\"))\n"
      "}}\n"
      "complete -o default -F {1} {0}\n",
      tool.name, function_name(tool.name), routes_pattern(tool), shell_cases(tool, "words="));
}

std::string zsh(const Command& tool) {
  return fmt::format(
      "#compdef {0}\n"
      "# zsh completion for {0}: {0} completion zsh > \"${{fpath[1]}}/_{0}\"\n"
      "{1}() {{\n"
      "  local previous=${{words[CURRENT-1]}} route={0} known= i\n"
      "  for ((i = 2; i < CURRENT; i++)); do\n"
      "    case \"$route ${{words[i]}}\" in\n"
      "      {2}) route=\"$route ${{words[i]}}\" ;;\n"
      "    esac\n"
      "  done\n"
      "{3}"
      "  if [[ -n $known ]]; then compadd -- ${{=known}}; else _files; fi\n"
      "}}\n"
      "compdef {1} {0}\n",
      tool.name, function_name(tool.name), routes_pattern(tool), shell_cases(tool, "known="));
}

std::string fish(const Command& tool) {
  std::string out = fmt::format("# fish completion for {0}: {0} completion fish | source\nfunction _{1}_route\n", tool.name,
                                function_name(tool.name));
  out +=
      fmt::format("  set -l route {}\n  for word in (commandline -opc)[2..]\n    switch \"$route $word\"\n      case", tool.name);
  for (const auto& route : all_routes(tool))
    if (route.size() > 1) out += " " + single_quoted(spelled(route));
  out += fmt::format(" {}\n        set route \"$route $word\"\n    end\n  end\n  test \"$route\" = \"$argv[1]\"\nend\n",
                     single_quoted(tool.name + " completion"));
  const auto line = [&](const std::string& route, const std::string& what, std::string_view help) {
    out += fmt::format("complete -c {} -n {} {} -d {}\n", tool.name,
                       single_quoted("_" + function_name(tool.name) + "_route '" + route + "'"), what, single_quoted(help));
  };
  for (const auto& route : all_routes(tool)) {
    const auto place = spelled(route);
    for (const auto& child : route.back()->commands) line(place, "-f -a " + single_quoted(child.name), child.summary);
    for (const auto* option : options_of(route)) {
      const auto shape = shape_of(*option);
      const auto choices = single_quoted(text::join(option->choices, " "));
      if (shape.positional) {
        if (!option->choices.empty()) line(place, "-f -a " + choices, option->help);
        continue;
      }
      std::string what;
      for (const auto& flag : shape.flags) what += (flag.starts_with("--") ? " -l " + flag.substr(2) : " -s " + flag.substr(1));
      if (!option->value.empty()) what += option->choices.empty() ? " -r" : " -x -a " + choices;
      line(place, what.substr(1), option->help);
    }
  }
  line(tool.name, "-f -a completion", "print a shell completion script");
  line(tool.name, "-f -a man", "print the manual page");
  line(tool.name + " completion", "-f -a 'bash zsh fish'", "shell");
  return out;
}

}  // namespace

Result<std::string> completion_text(const Command& tool, std::string_view shell) {
  if (shell == "bash") return bash(tool);
  if (shell == "zsh") return zsh(tool);
  if (shell == "fish") return fish(tool);
  const std::vector<std::string> shells{"bash", "zsh", "fish"};
  return fail(Errc::invalid, fmt::format("no completion for '{}': choose from bash, zsh, fish{}", shell,
                                         text::did_you_mean_suffix(shell, shells)));
}

}  // namespace base::cli
