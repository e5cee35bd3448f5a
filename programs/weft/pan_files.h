// The template files that a person named, for the verbs of `weft pan`. Single-threaded; reads the file system.
#pragma once

#include <string>
#include <vector>

#include "base/diag/result.h"

namespace programs::weft {

// Files as named; of folders all files *.pan and *.tpl below them, sorted, hidden folders and symbolic links left out. No file
// twice. Errc::not_found: a name that does not exist, or a folder without any template.
base::Result<std::vector<std::string>> named_templates(const std::vector<std::string>& names);

}  // namespace programs::weft
