// Keeps the daemon small beside what it watches. Called by the sampling thread; failure does nothing.
#pragma once

namespace monitor::sensord {

// Unmaps the code and read-only pages of this process that are only there because loading forty libraries touched them. What is
// still used comes back by a minor fault from the page cache. Mappings that hold any private page (relocated data) are left
// alone.
void release_startup_pages();

}  // namespace monitor::sensord
