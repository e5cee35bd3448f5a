// Fail points: named places where tests kill, fail or delay a program. Off unless WEFT_FAIL is set in the environment:
//   WEFT_FAIL="cdb.commit.stored=kill;agent.action=kill@3;front.start=error"    (@N: at the N-th passage)
// Any thread. Cost when off: one relaxed load.
#pragma once

#include <string_view>

#include "base/diag/result.h"

namespace base {

// kill: SIGKILL to ourselves; delay:MS: sleeps; error: returns Errc::unavailable.
Result<> fail_point(std::string_view name);

}  // namespace base
