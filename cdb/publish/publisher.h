// Profile files and signed manifests. Made once by role cdb, shared by its threads. Files below `file_root`/profile are a cache
// of the database: any of them may vanish at any time.
#pragma once

#include <chrono>
#include <filesystem>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/diag/result.h"
#include "cdb/store/store.h"

namespace cdb::publish {

enum class Coding { identity, gzip, zstd };
// The best coding that an Accept-Encoding header allows.
Coding choose_coding(std::string_view accept_encoding);

// "v=1;node=NODE;revision=N;root=HEX;sig=BASE64"
base::Result<std::string> sign_manifest(std::string_view signing_key_pem, std::string_view node, std::int64_t revision,
                                        const store::Digest& root);

class Publisher {
 public:
  // `file_root` is the front's. Creates file_root/profile.
  static base::Result<std::unique_ptr<Publisher>> open(std::filesystem::path file_root, std::string signing_key_pem,
                                                       std::shared_ptr<store::Store> store);

  struct Item {
    store::Digest root;
    std::string_view zstd;  // of the canonical JSON
  };
  // On disk, durably, when this returns. Called before the roots become desired.
  base::Result<> prepare(const std::vector<Item>& items);
  // Path below file_root of a stored profile, made from the database when it is missing. Coding is zstd or gzip.
  base::Result<std::string> file(const store::Digest& root, Coding coding);
  // Signed once for each node and revision.
  base::Result<std::string> manifest(const store::Desired& desired) const;
  // Removes files older than `age` whose root no node desires. Returns how many.
  base::Result<std::size_t> sweep(std::chrono::hours age);

 private:
  Publisher(std::filesystem::path folder, std::string key, std::shared_ptr<store::Store> store)
      : folder_(std::move(folder)), signing_key_(std::move(key)), store_(std::move(store)) {}
  base::Result<> write(const std::string& name, std::string_view content, bool durable) const;

  struct Signed {
    std::int64_t revision = 0;
    store::Digest root;
    std::string manifest;
  };
  mutable std::mutex mutex_;
  mutable std::unordered_map<std::string, Signed> signed_;  // by node: as many as the configuration has
  std::filesystem::path folder_;
  std::string signing_key_;
  std::shared_ptr<store::Store> store_;
};

}  // namespace cdb::publish
