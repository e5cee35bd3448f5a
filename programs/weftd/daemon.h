// weftd as a whole: starts the parts in order, waits for signals, stops them in reverse. Owned by main, runs on the main thread.
#pragma once

#include "base/diag/result.h"
#include "programs/weftd/settings.h"

namespace programs::weftd {

// Returns after SIGTERM or SIGINT, when everything is stopped; or the error that kept it from starting.
base::Result<> run_daemon(const Settings& settings);

}  // namespace programs::weftd
