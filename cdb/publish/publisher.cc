#include "cdb/publish/publisher.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <set>

#include <fmt/format.h>

#include "base/compress/compress.h"
#include "base/crypto/crypto.h"
#include "base/diag/fail_point.h"
#include "base/file/file.h"
#include "base/text/text.h"

namespace cdb::publish {
namespace {

namespace fs = std::filesystem;

// Above this many profiles: gzip files are made when somebody asks for one (our agents take zstd), and one syncfs replaces an
// fsync each.
constexpr std::size_t few = 64;

std::string name_of(const store::Digest& root, Coding coding) {
  return root.hex() + (coding == Coding::zstd ? ".json.zst" : ".json.gz");
}

bool present(const fs::path& path) {
  std::error_code error;
  return fs::file_size(path, error) > 0 && !error;
}

base::Result<> sync_file_system(const fs::path& folder) {
  const base::file::Fd fd(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd || ::syncfs(fd.get()) != 0) {
    return base::fail(base::Errc::unavailable, fmt::format("cannot sync {}: {}", folder.string(), std::strerror(errno)));
  }
  return {};
}

}  // namespace

Coding choose_coding(std::string_view accept_encoding) {
  bool zstd = false, gzip = false;
  for (const auto& part : base::text::split(accept_encoding, ',')) {
    const auto fields = base::text::split(part, ';');
    const auto name = base::text::trim(fields[0]);
    bool refused = false;
    for (std::size_t i = 1; i < fields.size(); ++i) {
      const auto field = base::text::trim(fields[i]);
      if (!field.starts_with("q=")) continue;
      refused = field.substr(2).find_first_not_of("0.") == std::string_view::npos;
    }
    if (refused) continue;
    if (name == "zstd" || name == "*") zstd = true;
    if (name == "gzip" || name == "x-gzip") gzip = true;
  }
  return zstd ? Coding::zstd : gzip ? Coding::gzip : Coding::identity;
}

base::Result<std::string> sign_manifest(std::string_view signing_key_pem, std::string_view node, std::int64_t revision,
                                        const store::Digest& root) {
  const auto message = fmt::format("weft-profile-1\n{}\n{}\n{}\n", node, revision, root.hex());
  const auto signature = WEFT_TRY(base::crypto::ed25519_sign(signing_key_pem, message));
  return fmt::format("v=1;node={};revision={};root={};sig={}", node, revision, root.hex(), base::crypto::base64(signature));
}

base::Result<std::unique_ptr<Publisher>> Publisher::open(fs::path file_root, std::string signing_key_pem,
                                                         std::shared_ptr<store::Store> store) {
  WEFT_TRY(base::crypto::ed25519_public(signing_key_pem));  // a wrong key shows now, not at the first fetch
  const auto folder = file_root / "profile";
  WEFT_TRY(base::file::make_folders(folder));
  return std::unique_ptr<Publisher>(new Publisher(folder, std::move(signing_key_pem), std::move(store)));
}

base::Result<> Publisher::write(const std::string& name, std::string_view content, bool durable) const {
  WEFT_TRY(base::fail_point("cdb.publish.file"));
  base::file::WriteOptions options;
  options.durable = durable;
  return base::file::write_atomic(folder_ / name, content, options);
}

base::Result<> Publisher::prepare(const std::vector<Item>& items) {
  const bool small = items.size() <= few;
  bool written = false;
  for (const auto& item : items) {
    if (const auto name = name_of(item.root, Coding::zstd); !present(folder_ / name)) {
      WEFT_TRY(write(name, item.zstd, small));
      written = true;
    }
    if (!small) continue;
    if (const auto name = name_of(item.root, Coding::gzip); !present(folder_ / name)) {
      WEFT_TRY(write(name, base::compress::gzip(WEFT_TRY(base::compress::unzstd(item.zstd))), small));
      written = true;
    }
  }
  return written && !small ? sync_file_system(folder_) : base::Result<>{};
}

base::Result<std::string> Publisher::file(const store::Digest& root, Coding coding) {
  const auto name = name_of(root, coding);
  if (!present(folder_ / name)) {
    const auto zstd = WEFT_TRY(store_->profile_data(root));
    if (coding == Coding::zstd) {
      WEFT_TRY(write(name, zstd, true));
    } else {
      WEFT_TRY(write(name, base::compress::gzip(WEFT_TRY(base::compress::unzstd(zstd))), true));
    }
  }
  return "profile/" + name;
}

base::Result<std::string> Publisher::manifest(const store::Desired& desired) const {
  if (!desired.root) return base::fail(base::Errc::not_found, "node " + desired.node + " left the configuration");
  {
    const std::scoped_lock lock(mutex_);
    const auto known = signed_.find(desired.node);
    if (known != signed_.end() && known->second.revision == desired.revision && known->second.root == *desired.root)
      return known->second.manifest;
  }
  auto manifest = WEFT_TRY(sign_manifest(signing_key_, desired.node, desired.revision, *desired.root));
  const std::scoped_lock lock(mutex_);
  auto& kept = signed_[desired.node];
  // An older revision that somebody asks for does not take the place of what the node itself comes for.
  if (desired.revision >= kept.revision) kept = {desired.revision, *desired.root, manifest};
  return manifest;
}

base::Result<std::size_t> Publisher::sweep(std::chrono::hours age) {
  // List first, ask then: a root that becomes desired in between has a young file or is made anew when it is fetched.
  std::vector<fs::path> old;
  std::error_code error;
  const auto limit = fs::file_time_type::clock::now() - age;
  for (fs::directory_iterator place(folder_, error), end; !error && place != end; place.increment(error)) {
    std::error_code gone;
    const auto time = fs::last_write_time(place->path(), gone);
    if (!gone && time < limit) old.push_back(place->path());
  }
  if (error) return base::fail(base::Errc::unavailable, fmt::format("cannot read {}: {}", folder_.string(), error.message()));
  if (old.empty()) return std::size_t{0};
  std::set<std::string> desired;
  for (const auto& root : WEFT_TRY(store_->wanted_roots())) desired.insert(root.hex());
  std::size_t removed = 0;
  for (const auto& path : old) {
    const auto name = path.filename().string();
    if (desired.contains(name.substr(0, 64))) continue;
    if (fs::remove(path, error)) ++removed;
  }
  return removed;
}

}  // namespace cdb::publish
