// Child processes: run to completion with limits, or keep as a supervised child. No shell anywhere: argv only. Used by pg, http
// front, agent, leaf. run(): any thread. A Child belongs to one thread; with die_with_parent the child dies with the *thread*
// that started it (that is what Linux offers), so start such children from a thread that lives as long as the program.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <csignal>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/diag/result.h"

namespace base::process {

struct Command {
  std::vector<std::string> argv;                                  // argv[0] without a slash: looked up in the child's PATH
  std::string input;                                              // to stdin; stdin is /dev/null when empty
  std::optional<std::map<std::string, std::string>> environment;  // absent: a clean one (PATH, LANG=C.UTF-8)
  std::filesystem::path folder;                                   // working folder; empty: ours
  std::string user;                                               // switch to this user first (we must be root); empty: ours
  std::chrono::milliseconds timeout{60000};                       // then SIGTERM, 2 s later SIGKILL, to the whole process group
  std::size_t output_limit = 1u << 20;                            // per stream, the rest is dropped and noted
  int death_signal = SIGKILL;                                     // what a Child with die_with_parent gets when we die
};

struct Outcome {
  int status = 0;  // exit status, or 128 + signal
  bool timed_out = false;
  std::string out, err;
};

// Errc::not_found when the program cannot be started; a non-zero status is a success here.
Result<Outcome> run(const Command& command);

// A long-lived child in its own process group; it gets `death_signal` when we die if `die_with_parent`.
class Child {
 public:
  // Output is appended to `log_file` (0640); empty: our own stderr. `timeout` and `output_limit` do not apply.
  static Result<Child> start(const Command& command, const std::filesystem::path& log_file, bool die_with_parent);
  Child(Child&&) noexcept;
  Child& operator=(Child&&) noexcept;
  ~Child();  // does not stop it
  pid_t pid() const { return pid_; }
  // Exit status when it has ended.
  std::optional<int> poll();
  // Signal to the whole group, wait up to `grace`, then SIGKILL to what is left of the group. Exit status as above.
  int stop(int signal, std::chrono::milliseconds grace);

 private:
  explicit Child(pid_t pid) : pid_(pid) {}

  pid_t pid_ = -1;
  std::optional<int> status_;  // set once reaped: the pid may belong to a stranger from then on
};

}  // namespace base::process
