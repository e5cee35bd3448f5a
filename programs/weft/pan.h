// Parts of `weft pan`, the tools for people who write templates: one file per verb. Used by main.cc and pan.cc only. They work on
// files of this machine and never ask a server. Single-threaded.
#pragma once

#include "base/cli/cli.h"

namespace programs::weft {

base::cli::Command pan_command();
base::cli::Command pan_fmt();
base::cli::Command pan_lint();
base::cli::Command pan_test();
base::cli::Command pan_lsp();

}  // namespace programs::weft
