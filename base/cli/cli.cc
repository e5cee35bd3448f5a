#include "base/cli/cli.h"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <optional>

#include "base/cli/table.h"
#include "base/text/text.h"

namespace base::cli {
namespace {

constexpr int done = 0, failed = 1, wrong_line = 2, refused = 3, not_reachable = 4;

// https://no-color.org: set and not empty means no.
bool coloured(int fd) {
  const char* no = std::getenv("NO_COLOR");
  const char* terminal = std::getenv("TERM");
  return isatty(fd) && !(no && *no) && !(terminal && std::string_view(terminal) == "dumb");
}

void print(std::FILE* stream, std::string_view text) {
  std::fwrite(text.data(), 1, text.size(), stream);
  std::fflush(stream);
}

int complain(std::string_view tool, const Error& error) {
  report(tool, error);
  return wrong_line;
}

// What every tool has without declaring it.
std::optional<int> built_in(const Command& tool, std::span<const std::string> words) {
  if (words.empty()) return std::nullopt;
  const bool declared =
      std::any_of(tool.commands.begin(), tool.commands.end(), [&](const Command& c) { return c.name == words[0]; });
  if (words[0] == "--version") {
    print(stdout, fmt::format("{} {}\n", tool.name, WEFT_VERSION));
    return done;
  }
  if (declared) return std::nullopt;
  if (words[0] == "man" && words.size() == 1) {
    print(stdout, man_text(tool));
    return done;
  }
  if (words[0] == "completion" && words.size() <= 2) {
    const auto text = completion_text(tool, words.size() == 2 ? std::string_view(words[1]) : std::string_view());
    if (!text) return complain(tool.name, text.error());
    print(stdout, *text);
    return done;
  }
  return std::nullopt;
}

tl::unexpected<Error> no_such_command(const Route& route, const std::string& word) {
  const std::string hint = fmt::format("run '{} --help'", spelled(route));
  if (word.starts_with('-')) {
    std::vector<std::string> flags{"--help"};
    if (route.size() == 1) flags.emplace_back("--version");
    const auto meant = text::did_you_mean_suffix(word, flags);
    return fail(Errc::invalid,
                meant.empty() ? fmt::format("'{}' stands before the command: options follow it", word)
                              : fmt::format("{} has no option '{}'{}", spelled(route), word, meant),
                hint);
  }
  auto names = command_names(*route.back());
  if (route.size() == 1) names.insert(names.end(), {"completion", "man"});
  return fail(Errc::invalid,
              fmt::format("{} has no command '{}'{}", spelled(route), word, text::did_you_mean_suffix(word, names)), hint);
}

std::size_t display_width(std::string_view text) {
  return static_cast<std::size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; }));
}

std::string cut(std::string_view line, std::size_t width) {
  if (display_width(line) <= width) return std::string(line);
  std::size_t end = 0, seen = 0;
  while (end < line.size()) {
    if ((static_cast<unsigned char>(line[end]) & 0xc0) != 0x80 && ++seen >= width) break;
    ++end;
  }
  return std::string(line.substr(0, end)) + "…";
}

}  // namespace

bool Arguments::has(std::string_view name) const {
  return values.find(name) != values.end();
}

std::string_view Arguments::get(std::string_view name) const {
  const auto found = values.find(name);
  return found == values.end() || found->second.empty() ? std::string_view() : std::string_view(found->second.back());
}

std::vector<std::string> Arguments::all(std::string_view name) const {
  const auto found = values.find(name);
  return found == values.end() ? std::vector<std::string>() : found->second;
}

int main(const Command& tool, int argc, char** argv) {
  const std::vector<std::string> words(argv + std::min(argc, 1), argv + argc);
  if (const auto code = built_in(tool, words)) return *code;
  Route route{&tool};
  std::size_t next = 0;
  while (next < words.size()) {
    const auto& commands = route.back()->commands;
    const auto found = std::find_if(commands.begin(), commands.end(), [&](const Command& c) { return c.name == words[next]; });
    if (found == commands.end()) break;
    route.push_back(&*found);
    ++next;
  }
  const Command& command = *route.back();
  const std::span<const std::string> rest(words.begin() + static_cast<std::ptrdiff_t>(next), words.end());
  if (!command.run) {
    // A group asked for help, asked for nothing, or given a word that is none of its commands.
    if (rest.empty()) {
      print(stderr, help_text(route, coloured(STDERR_FILENO)));
      return wrong_line;
    }
    if (rest[0] == "--help" || rest[0] == "-h") {
      print(stdout, help_text(route, coloured(STDOUT_FILENO)));
      return done;
    }
    return complain(tool.name, no_such_command(route, rest[0]).value());
  }
  bool help_wanted = false;
  const auto arguments = parse_options(route, rest, help_wanted);
  if (!arguments) return complain(tool.name, arguments.error());
  if (help_wanted) {
    print(stdout, help_text(route, coloured(STDOUT_FILENO)));
    return done;
  }
  return command.run(*arguments);
}

int report(std::string_view tool, const Error& error) {
  const bool colour = coloured(STDERR_FILENO);
  print(stderr, colour ? fmt::format("{}: \x1b[1;31merror:\x1b[0m {}\n", tool, error.text())
                       : fmt::format("{}: error: {}\n", tool, error.text()));
  switch (error.code) {
    case Errc::denied: return refused;
    case Errc::unavailable:
    case Errc::timeout: return not_reachable;
    default: return failed;
  }
}

std::string table(const std::vector<std::string>& header, const std::vector<std::vector<std::string>>& rows) {
  std::vector<std::size_t> widths;
  const auto measure = [&](const std::vector<std::string>& row) {
    if (row.size() > widths.size()) widths.resize(row.size());
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], display_width(row[i]));
  };
  measure(header);
  for (const auto& row : rows) measure(row);

  winsize window{};
  const bool terminal = isatty(STDOUT_FILENO) && ioctl(STDOUT_FILENO, TIOCGWINSZ, &window) == 0 && window.ws_col > 0;
  std::string out;
  const auto append = [&](const std::vector<std::string>& row) {
    std::string line;
    for (std::size_t i = 0; i < row.size(); ++i) {
      // A line break or control byte in foreign text must not tear the table or steer the terminal.
      for (const char c : row[i]) line += static_cast<unsigned char>(c) < 0x20 || c == 0x7f ? ' ' : c;
      if (i + 1 < row.size()) line.append(widths[i] - display_width(row[i]) + 2, ' ');
    }
    while (line.ends_with(' ')) line.pop_back();
    out += (terminal ? cut(line, window.ws_col) : line) + "\n";
  };
  append(header);
  for (const auto& row : rows) append(row);
  return out;
}

}  // namespace base::cli
