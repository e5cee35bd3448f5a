// The dependency file is read or refused whatever is in it; what was read is written and read again as the same bytes. A checksum
// guards the file, so inputs are also tried with a right one behind them.
#include "base/crypto/crypto.h"
#include "cdb/pan/depend_db.h"
#include "tests/fuzz/pan_support.h"

namespace {

void check(std::string_view bytes) {
  using namespace cdb::pan;
  const auto db = decode_depend_db(bytes);
  if (!db) {
    PAN_PROMISE(!db.error().message.empty());
    return;
  }
  PAN_PROMISE(is_depend_db(bytes));
  const std::string written = encode(*db);
  const auto again = decode_depend_db(written);
  PAN_PROMISE(again.has_value() && encode(*again) == written);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes = pan_fuzz::text_of(data, size);
  check(bytes);
  std::string signed_bytes(bytes);
  if (signed_bytes.size() > 32) signed_bytes.resize(signed_bytes.size() - 32);
  const auto digest = base::crypto::sha256(signed_bytes);
  signed_bytes.append(reinterpret_cast<const char*>(digest.data()), digest.size());
  check(signed_bytes);
  return 0;
}
