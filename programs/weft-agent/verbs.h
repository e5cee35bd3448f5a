// The verbs of weft-agent. Used by main.cc only.
#pragma once

#include <string>
#include <vector>

#include "base/cli/cli.h"

namespace weft_agent {

// Beside base/cli's codes.
inline constexpr int partly_failed = 5;    // some components failed, the others are as the profile wants them
inline constexpr int changes_pending = 6;  // plan --exit-code: there is something to do

base::cli::Command command_line();

// `weft-agent --root DIR run` is what people type: the common options may stand before the verb.
std::vector<std::string> options_last(int argc, char** argv);

int run_daemon(const base::cli::Arguments& arguments);
int run_once(const base::cli::Arguments& arguments);
int apply(const base::cli::Arguments& arguments);
int plan(const base::cli::Arguments& arguments);
int status(const base::cli::Arguments& arguments);
int history(const base::cli::Arguments& arguments);
int undo(const base::cli::Arguments& arguments);
int resume(const base::cli::Arguments& arguments);
int profile_get(const base::cli::Arguments& arguments);
int enrol(const base::cli::Arguments& arguments);

}  // namespace weft_agent
