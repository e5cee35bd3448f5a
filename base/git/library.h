// Inside base/git only: libgit2 started once, and its last error as ours. Any thread.
#pragma once

#include <string_view>

#include "base/diag/result.h"

namespace base::git {

Result<> library();
// What libgit2 said about the call that failed last in this thread: Errc::internal, or unavailable for networks.
tl::unexpected<Error> library_failure(std::string_view doing);

}  // namespace base::git
