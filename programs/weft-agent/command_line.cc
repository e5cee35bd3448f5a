#include <algorithm>
#include <array>
#include <string_view>

#include "programs/weft-agent/verbs.h"

namespace weft_agent {

std::vector<std::string> options_last(int argc, char** argv) {
  static constexpr std::array<std::string_view, 3> common{"--root", "--config", "--state"};
  std::vector<std::string> words(argv, argv + argc), moved;
  std::size_t next = 1;
  while (next < words.size()) {
    std::string_view word = words[next];
    auto name = word.substr(0, word.find('='));
    if (std::find(common.begin(), common.end(), name) == common.end()) break;
    std::size_t count = name == word ? 2 : 1;
    for (; count > 0 && next < words.size(); --count) moved.push_back(words[next++]);
  }
  std::vector<std::string> out{words[0]};
  out.insert(out.end(), words.begin() + static_cast<std::ptrdiff_t>(next), words.end());
  out.insert(out.end(), moved.begin(), moved.end());
  return out;
}

base::cli::Command command_line() {
  using base::cli::Command;
  using base::cli::Option;
  Command tool;
  tool.name = "weft-agent";
  tool.summary = "makes this machine equal to its profile";
  tool.description =
      "Fetches the node's signed profile, plans what has to be done, does it under a journal and reports. Killing it at any time "
      "is safe.\n\n"
      "Exit codes: 0 done; 1 failed; 2 wrong command line; 3 refused (held by /etc/noquattor, signature, rights, safety rule); "
      "4 the server was not reachable; 5 some components failed, the others are as the profile wants them; "
      "6 plan --exit-code: there is something to do.\n\n"
      "Files: /etc/weft/agent.yaml (server, node, state, poll, converge), /var/lib/weft-agent, /run/weft/agent.prom. "
      "While /etc/noquattor exists nothing is changed.";
  tool.options = {{"--root", "DIR", "apply below this folder; settings and state are there too", "/"},
                  {"--config", "FILE", "settings (default ROOT/etc/weft/agent.yaml)"},
                  {"--state", "DIR", "state (default ROOT/var/lib/weft-agent)"}};
  tool.examples = {{"weft-agent plan", "what would be done now, with differences of files"},
                   {"weft-agent once", "fetch, apply and report one time"},
                   {"weft-agent undo", "back to the profile applied before"}};
  Option json{"--json", "", "print JSON"};
  tool.commands = {
      {"run",
       "run as a daemon: follow the server, apply, repair drift, report",
       "",
       {},
       {{"systemctl start weft-agent", "how it is usually run"}},
       run_daemon,
       {}},
      {"once", "fetch, apply and report one time", "", {}, {{"weft-agent once", "do not wait for the daemon"}}, run_once, {}},
      {"apply",
       "apply the cached profile",
       "",
       {{"--noaction", "", "only show the plan"}, json},
       {{"weft-agent apply", "also without a network"}},
       apply,
       {}},
      {"plan",
       "show what apply would do, changing nothing",
       "",
       {json, {"--exit-code", "", "exit with 6 when there is something to do"}},
       {{"weft-agent plan --json", "the plan for programs"}},
       plan,
       {}},
      {"status",
       "what is applied, due, owed and held",
       "",
       {json},
       {{"weft-agent status", "the first thing to look at"}},
       status,
       {}},
      {"history",
       "runs that changed or tried something",
       "",
       {json},
       {{"weft-agent history", "what happened here, and how it went"}},
       history,
       {}},
      {"undo",
       "go back to the profile applied before the current one",
       "The node stays there until the server wants another profile than the undone one, or until `weft-agent resume`.",
       {{"--all", "", "restore the machine as it was before Weft"}},
       {{"weft-agent undo", "at once, even without the server"}},
       undo,
       {}},
      {"resume", "end an undo and follow the server again", "", {}, {{"weft-agent resume", "after weft-agent undo"}}, resume, {}},
      {"profile",
       "look into the cached profile",
       "",
       {},
       {{"weft-agent profile get /system/state", "the state this node is to be in"}},
       {},
       {{"get",
         "print a value of the cached profile as JSON",
         "",
         {{"PATH", "", "path, such as /system/network"}},
         {{"weft-agent profile get /software/components", "all that the components get"}},
         profile_get,
         {}}}},
      {"enrol",
       "get an identity for this node",
       "Checks the server by the CA fingerprint in the token before it trusts it. Running it again is safe.",
       {{"--server", "URL", "https://HOST:PORT", "", true},
        {"--node", "NAME", "name of this node", "", true},
        {"--token", "TOKEN", "from: weft node token NAME", "", true}},
       {{"weft-agent enrol --server https://weft.example:8443 --node disk01.example --token weft1.SECRET.FINGERPRINT",
         "enrol as disk01.example"}},
       enrol,
       {}},
  };
  tool.manual_section = 8;
  return tool;
}

}  // namespace weft_agent
