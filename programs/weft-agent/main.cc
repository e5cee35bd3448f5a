// weft-agent: command line of the node agent. Signals, arguments, printing; everything else is agent/run.
#include <csignal>

#include "base/log/log.h"
#include "programs/weft-agent/verbs.h"

int main(int argc, char** argv) {
  base::log::set_program("weft-agent");
  // A server that closes the connection is an answer, not a reason to die.
  std::signal(SIGPIPE, SIG_IGN);
  auto words = weft_agent::options_last(argc, argv);
  std::vector<char*> pointers;
  for (auto& word : words) pointers.push_back(word.data());
  pointers.push_back(nullptr);
  return base::cli::main(weft_agent::command_line(), static_cast<int>(words.size()), pointers.data());
}
