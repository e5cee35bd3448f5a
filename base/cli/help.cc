#include <fmt/format.h>

#include <algorithm>

#include "base/cli/table.h"
#include "base/text/text.h"

namespace base::cli {
namespace {

constexpr std::size_t page_width = 100;
constexpr std::size_t help_column = 28;

struct Row {
  std::string left, right;
};

// Words folded at the page's width; the first line is already indented by the caller.
std::string fold(std::string_view text, std::size_t indent) {
  std::string out;
  std::size_t column = indent;
  for (const auto& word : text::split(text, ' ')) {
    if (word.empty()) continue;
    if (column > indent && column + 1 + word.size() > page_width) {
      out += "\n" + std::string(indent, ' ');
      column = indent;
    } else if (column > indent) {
      out += ' ';
      ++column;
    }
    out += word;
    column += word.size();
  }
  return out;
}

void append_rows(std::string& out, std::string_view title, const std::vector<Row>& rows, bool colour) {
  if (rows.empty()) return;
  out += colour ? fmt::format("\n\x1b[1m{}\x1b[0m\n", title) : fmt::format("\n{}\n", title);
  for (const auto& row : rows) {
    out += "  " + row.left;
    if (row.left.size() + 4 > help_column) {
      out += "\n" + std::string(help_column, ' ');
    } else {
      out.append(help_column - 2 - row.left.size(), ' ');
    }
    out += fold(row.right, help_column) + "\n";
  }
}

std::string explained(const Option& option) {
  std::string text = option.help;
  if (!option.choices.empty()) text += fmt::format(" ({})", text::join(option.choices, ", "));
  if (!option.default_value.empty()) text += fmt::format(" [default: {}]", option.default_value);
  if (option.required) text += " (required)";
  return text;
}

std::string usage(const Route& route) {
  const Command& command = *route.back();
  std::string line = spelled(route);
  if (!command.commands.empty()) line += command.run ? " [COMMAND]" : " COMMAND";
  bool options = false;
  std::string positionals, required;
  for (const auto* option : options_of(route)) {
    const auto shape = shape_of(*option);
    if (shape.positional) {
      positionals += " " + option->name;
    } else if (option->required) {
      required += fmt::format(" {} {}", shape.flags.front(), option->value);
    } else {
      options = true;
    }
  }
  return line + (options ? " [OPTIONS]" : "") + required + positionals;
}

std::string flags_text(const Option& option, const Shape& shape) {
  std::string out;
  // Short flags first, as manuals have it.
  for (auto flag = shape.flags.rbegin(); flag != shape.flags.rend(); ++flag) out += (out.empty() ? "" : ", ") + *flag;
  return option.value.empty() ? out : out + " " + option.value;
}

std::string roff(std::string_view text) {
  std::string out;
  bool line_start = true;
  for (const char c : text) {
    // A dot or quote at the start of a line would be a request.
    if (line_start && (c == '.' || c == '\'')) out += "\\&";
    if (c == '\\') {
      out += "\\e";
    } else if (c == '-') {
      out += "\\-";
    } else {
      out += c;
    }
    line_start = c == '\n';
  }
  return out;
}

std::string roff_paragraphs(std::string_view text) {
  std::string out;
  for (const auto& line : text::split(text::trim(text), '\n'))
    out += text::trim(line).empty() ? std::string(".PP\n") : roff(text::trim(line)) + "\n";
  return out;
}

void man_options(std::string& out, const std::vector<Option>& options) {
  for (const auto& option : options) {
    const auto shape = shape_of(option);
    out += fmt::format(".TP\n\\fB{}\\fR\n{}\n", roff(shape.positional ? option.name : flags_text(option, shape)),
                       roff(explained(option)));
  }
}

void man_examples(std::string& out, const Command& command) {
  for (const auto& example : command.examples)
    out += fmt::format(".PP\n{}\n.PP\n.RS\n.nf\n{}\n.fi\n.RE\n", roff(example.explains), roff(example.command));
}

}  // namespace

std::string help_text(const Route& route, bool colour) {
  const Command& command = *route.back();
  std::string out = command.summary + "\n\n";
  out += fmt::format("Usage: {}\n", usage(route));
  if (!command.description.empty()) {
    out += "\n";
    for (const auto& line : text::split(text::trim(command.description), '\n')) out += fold(line, 0) + "\n";
  }
  std::vector<Row> commands, arguments, options, inherited;
  for (const auto& child : command.commands) commands.push_back({child.name, child.summary});
  if (route.size() == 1) {
    commands.push_back({"completion SHELL", "print the completion script for bash, zsh or fish"});
    commands.push_back({"man", "print the manual page"});
  }
  for (const auto* option : options_of(route)) {
    const auto shape = shape_of(*option);
    if (shape.positional) {
      arguments.push_back({option->name, explained(*option)});
    } else {
      options.push_back({flags_text(*option, shape), explained(*option)});
    }
  }
  options.push_back({"-h, --help", "show this text"});
  if (route.size() == 1) options.push_back({"--version", "show the version"});
  append_rows(out, "Commands:", commands, colour);
  append_rows(out, "Arguments:", arguments, colour);
  append_rows(out, "Options:", options, colour);
  if (!command.examples.empty()) {
    out += colour ? "\n\x1b[1mExamples:\x1b[0m\n" : "\nExamples:\n";
    for (const auto& example : command.examples)
      out += fmt::format("  {}\n      {}\n", example.command, fold(example.explains, 6));
  }
  return out;
}

std::string man_text(const Command& tool) {
  std::string out = fmt::format(".TH {} {} \"\" \"Weft {}\" \"Weft\"\n", roff(tool.name), tool.manual_section, WEFT_VERSION);
  out += fmt::format(".SH NAME\n{} \\- {}\n.SH SYNOPSIS\n", roff(tool.name), roff(tool.summary));
  const auto routes = all_routes(tool);
  for (const auto& route : routes)
    if (route.back()->run || routes.size() == 1) out += fmt::format(".B {}\n.br\n", roff(usage(route)));
  if (!tool.description.empty()) out += ".SH DESCRIPTION\n" + roff_paragraphs(tool.description);
  if (!tool.options.empty()) {
    out += ".SH OPTIONS\n";
    man_options(out, tool.options);
  }
  if (routes.size() > 1) out += ".SH COMMANDS\n";
  for (std::size_t i = 1; i < routes.size(); ++i) {
    const Command& command = *routes[i].back();
    out += fmt::format(".SS {}\n{}\n", roff(spelled(routes[i])), roff(command.summary));
    if (!command.description.empty()) out += ".PP\n" + roff_paragraphs(command.description);
    man_options(out, command.options);
    man_examples(out, command);
  }
  if (!tool.examples.empty()) {
    out += ".SH EXAMPLES\n";
    man_examples(out, tool);
  }
  out +=
      ".SH EXIT STATUS\n.TP\n0\nDone.\n.TP\n1\nWhat was asked for failed.\n.TP\n2\nThe command line was wrong.\n.TP\n3\n"
      "Refused by rights or by a safety rule.\n.TP\n4\nThe server could not be reached.\n";
  return out;
}

}  // namespace base::cli
