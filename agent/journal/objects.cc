#include "agent/journal/objects.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/crypto/crypto.h"
#include "base/file/file.h"

namespace agent::journal {

namespace {
bool is_hash(std::string_view text) {
  return text.size() == 64 &&
         std::all_of(text.begin(), text.end(), [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}
}  // namespace

base::Result<Objects> Objects::open(std::filesystem::path folder) {
  WEFT_TRY(base::file::make_folders(folder, 0700));
  return Objects(std::move(folder));
}

base::Result<> Objects::put(const std::string& sha256, std::string_view content) const {
  if (!is_hash(sha256)) return base::fail(base::Errc::internal, "'" + sha256 + "' is no hash");
  std::error_code error;
  // A file of this name is whole: it came by rename.
  if (std::filesystem::exists(folder_ / sha256, error)) return {};
  base::file::WriteOptions options;
  options.mode = 0600;
  return base::file::write_atomic(folder_ / sha256, content, options);
}

base::Result<std::string> Objects::get(const std::string& sha256) const {
  if (!is_hash(sha256)) return base::fail(base::Errc::corrupt, "'" + sha256 + "' is no hash");
  auto text = WEFT_TRY(base::file::read(folder_ / sha256));
  if (base::crypto::sha256_hex(text) != sha256)
    return base::fail(base::Errc::corrupt, fmt::format("the saved content {} is damaged", (folder_ / sha256).string()),
                      "restore the file it belongs to by hand; weft-agent history names the run that replaced it");
  return text;
}

void Objects::keep_only(const std::set<std::string>& wanted) const {
  std::error_code error;
  for (std::filesystem::directory_iterator it(folder_, error), end; !error && it != end; it.increment(error))
    if (is_hash(it->path().filename().string()) && !wanted.contains(it->path().filename().string())) {
      std::error_code ignored;
      std::filesystem::remove(it->path(), ignored);
    }
}

}  // namespace agent::journal
