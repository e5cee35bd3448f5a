// Findings for people and for programs. Pure.
#pragma once

#include <string>
#include <string_view>

#include "base/profile/value.h"
#include "cdb/pan/lint/rule.h"

namespace cdb::pan::lint {

// "FILE:LINE:COLUMN: warning: MESSAGE [RULE]", the line with carets below the place, the hint. `file` is how to call the file.
std::string report_text(const Finding& finding, std::string_view file, std::string_view source);
base::profile::Value report_json(const Finding& finding, std::string_view file);

}  // namespace cdb::pan::lint
