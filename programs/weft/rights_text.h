// `weft rights`, and what a change may not do, for people. Used by main.cc and the commands that change something.
// Single-threaded.
#pragma once

#include <string>

#include "base/cli/cli.h"
#include "base/profile/value.h"

namespace programs::weft {

// "rights" of an answer (cdb::rights::to_json); "" when nothing is missing.
std::string rights_text(const base::profile::Value& rights, bool error_stream);

base::cli::Command rights_command();
base::cli::Command review_command();

}  // namespace programs::weft
