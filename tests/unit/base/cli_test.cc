#include "base/cli/cli.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <unistd.h>

#include <cstdio>

#include "base/file/file.h"
#include "base/process/process.h"
#include "base/text/text.h"
#include "tests/unit/base/temporary_folder.h"

using base::cli::Arguments;
using base::cli::Command;

namespace {

struct Said {
  int code = 0;
  std::string out, err;
  std::string command;  // that ran
  Arguments arguments;
};

// Runs f with stdout and stderr going to files.
Said capture(const std::function<int()>& f) {
  const TemporaryFolder folder;
  Said said;
  std::fflush(stdout);
  std::fflush(stderr);
  const int saved[2] = {dup(1), dup(2)};
  for (const int fd : {1, 2}) {
    const int file = open((folder.path / std::to_string(fd)).c_str(), O_CREAT | O_WRONLY, 0600);
    dup2(file, fd);
    close(file);
  }
  said.code = f();
  std::fflush(stdout);
  std::fflush(stderr);
  for (const int i : {0, 1}) {
    dup2(saved[i], i + 1);
    close(saved[i]);
  }
  said.out = base::file::read(folder.path / "1").value_or("");
  said.err = base::file::read(folder.path / "2").value_or("");
  return said;
}

std::string ran;
Arguments seen;

Command leaf(std::string name, std::vector<base::cli::Option> options) {
  Command command;
  command.name = name;
  command.summary = "does " + name;
  command.options = std::move(options);
  command.run = [name](const Arguments& arguments) {
    ran = name;
    seen = arguments;
    return 0;
  };
  return command;
}

Command tool() {
  Command list = leaf("list", {{"--state,-s", "STATE", "only nodes in STATE", "", false, {"active", "drained", "broken"}},
                               {"--limit", "N", "at most N", "100"},
                               {"--json,-j", "", "JSON instead of a table"},
                               {"[NODE...]", "", "only these"}});
  list.examples = {{"tool node list --state drained", "nodes that may be switched off"}};
  list.description = "Lists nodes.\n\n.A line that begins with a dot, and a back\\slash.";
  Command set = leaf("set", {{"--reason", "TEXT", "why", "", true}, {"NODE", "", "the node"}, {"[VALUE]", "", "new value"}});
  Command many = leaf("many", {{"NODE...", "", "nodes"}});
  Command node;
  node.name = "node";
  node.summary = "nodes of the fabric";
  node.options = {{"--config", "FILE", "settings"}};
  node.commands = {list, set, many};
  Command top;
  top.name = "tool";
  top.summary = "a tool for tests";
  top.commands = {node, leaf("template", {{"PATH", "", "a path"}})};
  return top;
}

Said run(std::vector<std::string> words, const Command& command = tool()) {
  ran.clear();
  seen = {};
  words.insert(words.begin(), command.name);
  std::vector<char*> argv;
  for (auto& word : words) argv.push_back(word.data());
  Said said = capture([&] { return base::cli::main(command, static_cast<int>(argv.size()), argv.data()); });
  said.command = ran;
  said.arguments = seen;
  return said;
}

std::string all(const Said& said, std::string_view name) {
  return base::text::join(said.arguments.all(name), "|");
}

}  // namespace

TEST_CASE("cli: options, flags, defaults and positionals") {
  auto said = run({"node", "list"});
  CHECK(said.code == 0);
  CHECK(said.command == "list");
  CHECK(said.arguments.get("limit") == "100");
  CHECK(said.arguments.get("state") == "");
  CHECK_FALSE(said.arguments.has("json"));
  CHECK_FALSE(said.arguments.has("NODE"));
  CHECK(said.out.empty());
  CHECK(said.err.empty());

  said = run({"node", "list", "-s", "drained", "a", "--limit=5", "b", "-j"});
  CHECK(said.arguments.get("state") == "drained");
  CHECK(said.arguments.get("limit") == "5");
  CHECK(said.arguments.has("json"));
  CHECK(all(said, "NODE") == "a|b");

  CHECK(all(run({"node", "list", "--limit", "1", "--limit", "2"}), "limit") == "1|2");
  CHECK(run({"node", "list", "--limit", "1", "--limit", "2"}).arguments.get("limit") == "2");
  CHECK(run({"node", "list", "--config", "f"}).arguments.get("config") == "f");
}

TEST_CASE("cli: positionals named like commands, dashes after --") {
  CHECK(all(run({"node", "many", "node", "list", "template"}), "NODE") == "node|list|template");
  CHECK(all(run({"node", "many", "--", "-x", "--help"}), "NODE") == "-x|--help");
  CHECK(run({"template", "template"}).arguments.get("PATH") == "template");
  CHECK(run({"node", "set", "--reason", "why not", "n1"}).arguments.get("reason") == "why not");
  CHECK(run({"node", "set", "--reason=-5", "n1"}).arguments.get("reason") == "-5");
}

TEST_CASE("cli: a wrong line says what is wrong and what was meant, runs nothing and exits 2") {
  const auto wrong = [](std::vector<std::string> words) {
    const auto said = run(words);
    CHECK(said.code == 2);
    CHECK(said.command.empty());
    CHECK(said.out.empty());
    return said.err.substr(0, said.err.find('\n'));
  };
  CHECK(wrong({"nod"}) == "tool: error: tool has no command 'nod' (did you mean node?)");
  CHECK(wrong({"node", "lsit"}) == "tool: error: tool node has no command 'lsit' (did you mean list?)");
  CHECK(wrong({"xyzzy"}) == "tool: error: tool has no command 'xyzzy'");
  CHECK(wrong({"node", "list", "--sate", "drained"}) ==
        "tool: error: tool node list has no option '--sate' (did you mean --state?)");
  CHECK(wrong({"node", "list", "--limt=5"}) == "tool: error: tool node list has no option '--limt' (did you mean --limit?)");
  CHECK(wrong({"node", "list", "-z"}).starts_with("tool: error: tool node list has no option '-z'"));
  CHECK(wrong({"node", "list", "--state", "drainde"}) ==
        "tool: error: 'drainde' is no value of --state: choose from active, drained, broken (did you mean drained?)");
  CHECK(wrong({"node", "set", "n1"}) == "tool: error: tool node set needs --reason");
  CHECK(wrong({"node", "set", "--reason", "x"}) == "tool: error: tool node set needs NODE");
  CHECK(wrong({"node", "many"}) == "tool: error: tool node many needs NODE");
  CHECK(wrong({"node", "set", "--reason", "x", "a", "b", "c"}) == "tool: error: tool node set does not know what to do with 'c'");
  CHECK(wrong({"--json", "node", "list"}) == "tool: error: '--json' stands before the command: options follow it");
  CHECK_FALSE(wrong({"node", "list", "--limit"}).empty());
  CHECK_FALSE(wrong({"node", "list", "--json=maybe"}).empty());
  CHECK(wrong({"completion", "fihs"}).find("did you mean fish?") != std::string::npos);
  CHECK(run({"node", "list", "--nope"}).err.ends_with("\n  hint: run 'tool node list --help'\n"));
}

TEST_CASE("cli: groups show their commands") {
  CHECK(run({}).code == 2);
  CHECK(run({}).err.find("nodes of the fabric") != std::string::npos);
  CHECK(run({"node"}).code == 2);
  const auto said = run({"node", "--help"});
  CHECK(said.code == 0);
  CHECK(said.out.find("does list") != std::string::npos);
  CHECK(said.err.empty());
}

TEST_CASE("cli: help has usage, every option, choices, defaults and examples") {
  const auto text = run({"node", "list", "--help"}).out;
  for (const auto* part :
       {"Usage: tool node list [OPTIONS] [NODE...]\n", "-s, --state STATE", "(active, drained, broken)", "[default: 100]",
        "-j, --json", "--config FILE", "-h, --help", "Examples:\n  tool node list --state drained\n"})
    CHECK_MESSAGE(text.find(part) != std::string::npos, part);
  CHECK(text.find('\x1b') == std::string::npos);
  CHECK(run({"node", "set", "--help"}).out.find("Usage: tool node set [OPTIONS] --reason TEXT NODE [VALUE]\n") !=
        std::string::npos);
  CHECK(run({"node", "set", "-h", "--nonsense"}).code == 0);
}

TEST_CASE("cli: version") {
  CHECK(run({"--version"}).out == "tool " WEFT_VERSION "\n");
  CHECK(run({"--version"}).code == 0);
}

TEST_CASE("cli: a tool without sub-commands") {
  Command single = leaf("single", {{"--state", "DIR", "state", "", true}});
  CHECK(run({"--state", "x"}, single).arguments.get("state") == "x");
  CHECK(run({}, single).code == 2);
  CHECK(run({"--help"}, single).code == 0);
  CHECK(run({"--version"}, single).out == "single " WEFT_VERSION "\n");
  CHECK(run({"--stat", "x"}, single).err.find("did you mean --state?") != std::string::npos);
}

TEST_CASE("cli: the manual page is roff that man can format") {
  const auto said = run({"man"});
  CHECK(said.code == 0);
  CHECK(said.out.starts_with(".TH tool 1"));
  for (const auto* part : {".SS tool node list", "\\-\\-state", "back\\eslash", ".SH EXIT STATUS", "\\&.A line"})
    CHECK_MESSAGE(said.out.find(part) != std::string::npos, part);
}

TEST_CASE("cli: bash completion completes commands, options, choices") {
  const auto script = run({"completion", "bash"});
  REQUIRE(script.code == 0);
  const auto complete = [&](const std::string& words) {
    const auto outcome =
        base::process::run({.argv = {"bash", "-c",
                                     script.out + "\nCOMP_WORDS=(" + words +
                                         "); COMP_CWORD=$((${#COMP_WORDS[@]}-1)); _tool_complete; echo \"${COMPREPLY[*]}\""}});
    REQUIRE(outcome);
    CHECK(outcome->err == "");
    return outcome->out;
  };
  CHECK(complete("tool no") == "node\n");
  CHECK(complete("tool node ''") == "list set many --config --help\n");
  CHECK(complete("tool node list --st") == "--state\n");
  CHECK(complete("tool node list --state ''") == "active drained broken\n");
  CHECK(complete("tool node list --json dr") == "\n");
  CHECK(complete("tool node list -s dr") == "drained\n");
  CHECK(complete("tool completion ''") == "bash zsh fish\n");
  CHECK(complete("tool node set --reason x --") == "--reason --config --help\n");
}

TEST_CASE("cli: zsh and fish completion name every command") {
  for (const auto* shell : {"zsh", "fish"}) {
    const auto said = run({"completion", shell});
    CHECK(said.code == 0);
    for (const auto* part : {"tool node list", "template", "active drained broken"})
      CHECK_MESSAGE(said.out.find(part) != std::string::npos, shell, part);
  }
  CHECK(run({"completion", "zsh"}).out.starts_with("#compdef tool\n"));
}

TEST_CASE("cli: report prints the whole error and chooses the exit code") {
  const auto reported = [](base::Errc code) {
    return capture([&] { return base::cli::report("tool", base::Error{code, "cannot", "do this", {"reading x", "starting"}}); });
  };
  CHECK(reported(base::Errc::invalid).err == "tool: error: cannot\n  while reading x\n  while starting\n  hint: do this\n");
  CHECK(reported(base::Errc::invalid).code == 1);
  CHECK(reported(base::Errc::not_found).code == 1);
  CHECK(reported(base::Errc::conflict).code == 1);
  CHECK(reported(base::Errc::denied).code == 3);
  CHECK(reported(base::Errc::unavailable).code == 4);
  CHECK(reported(base::Errc::timeout).code == 4);
}

TEST_CASE("cli: tables") {
  CHECK(base::cli::table({"NODE", "STATE"}, {{"a", "active"}, {"longer-name", "x"}, {"é", ""}}) ==
        "NODE         STATE\na            active\nlonger-name  x\né\n");
  CHECK(base::cli::table({"A"}, {}) == "A\n");
  CHECK(base::cli::table({"A", "B"}, {{"x\ny\x1b[31m", "1", "more"}}) == "A         B\nx y [31m  1  more\n");
}
