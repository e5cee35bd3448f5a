// APT sources from /software/repositories. Pure.
#pragma once

#include <map>

#include "agent/component/field.h"

namespace agent::component {

// File name -> text. The URL of a repository is "URI SUITE COMPONENT...", "URI#SUITE/COMPONENT,COMPONENT" (where a schema allows
// no blanks), or a plain URI for a flat repository. gpgcheck = false means [trusted=yes].
base::Result<std::map<std::string, std::string>> sources_of(const Value& profile);

}  // namespace agent::component
