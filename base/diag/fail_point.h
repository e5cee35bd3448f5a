// Fail points: named places where tests kill, fail or delay a program. Off unless WEFT_FAIL is set in the environment:
//   WEFT_FAIL="cdb.commit.stored=kill;agent.action=kill@3;front.start=error"    (@N: from the N-th passage on)
// A specification that cannot be read ends the program at once: a test with a misspelt fail point would otherwise pass.
// Any thread. Cost when off: one relaxed load.
#pragma once

#include <string_view>

#include "base/diag/result.h"

namespace base {

// kill: SIGKILL to ourselves; delay:MS: sleeps; error: returns Errc::unavailable.
Result<> fail_point(std::string_view name);

// The same by call, for tests inside one program; "" turns all off. Replaces what WEFT_FAIL said.
void set_fail_points(std::string_view specification);

}  // namespace base
