// Profiles on the node: folders profile/<root>/ with profile.json and manifest; `current` and `previous` are links that are
// flipped atomically, current.json and current.manifest lead through them. A crash between any two steps leaves a whole cache.
// The newest revision ever accepted is kept apart, so an older one is refused even when the cache is lost. Single-threaded.
#pragma once

#include <filesystem>
#include <optional>
#include <set>
#include <string>

#include "agent/fetch/manifest.h"
#include "base/profile/value.h"

namespace agent::fetch {

struct Cached {
  Manifest manifest;
  std::string json;
  base::profile::Value profile;
};

class Cache {
 public:
  static base::Result<Cache> open(std::filesystem::path folder);
  // Errc::not_found: none yet.
  base::Result<Manifest> current() const { return manifest("current"); }
  base::Result<Manifest> previous() const { return manifest("previous"); }
  // By root hash or "current". The content is verified against the manifest's root again: disks rot.
  base::Result<Cached> load(const std::string& which) const;
  // 0 when none. Errc::corrupt when the file is damaged: never a silent 0.
  base::Result<std::int64_t> newest_revision() const;
  // The content has been verified. Readable by group weft.
  base::Result<> store(const Manifest& manifest, std::string_view json) const;
  // Drops all but current, previous and these roots.
  void keep_only(std::set<std::string> roots) const;

 private:
  explicit Cache(std::filesystem::path folder) : folder_(std::move(folder)) {}
  base::Result<Manifest> manifest(const std::string& which) const;
  base::Result<> flip(const std::string& link, const std::string& target) const;
  std::filesystem::path folder_;
};

// Group `weft` when it exists: the sensor reads the profile.
std::optional<unsigned> weft_group();

}  // namespace agent::fetch
