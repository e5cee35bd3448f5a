// The fork/exec shared by run() and Child::start(). Private to this room. Any thread; the child does only async-signal-safe work.
#pragma once

#include <sys/types.h>

#include "base/process/process.h"

namespace base::process {

struct Spawn {
  int in = -1, out = -1, err = -1;  // become 0, 1, 2 of the child
  bool die_with_parent = false;
};

// The pid of a process group leader that has already called exec successfully.
Result<pid_t> spawn(const Command& command, const Spawn& plan);

// A descriptor that reads as `input`; /dev/null when empty. Negative with errno on failure.
int open_input(const std::string& input);

// waitid's answer as the status of a shell: exit status or 128 + signal. `block` false: nothing when it still runs.
std::optional<int> reap(pid_t pid, bool block);

// True when the child has ended; it stays a zombie, so its pid and group are still ours.
bool has_ended(pid_t pid);

}  // namespace base::process
