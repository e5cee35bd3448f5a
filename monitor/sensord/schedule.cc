#include "monitor/sensord/schedule.h"

#include "base/crypto/crypto.h"

namespace monitor::sensord {

std::int64_t phase_ms(std::string_view node, std::int64_t period_ms) {
  auto digest = base::crypto::sha256(node);
  std::uint64_t n = 0;
  for (int i = 0; i < 8; ++i) n = n << 8 | digest[static_cast<std::size_t>(i)];
  return static_cast<std::int64_t>(n % static_cast<std::uint64_t>(period_ms));
}

std::int64_t next_tick_ms(std::int64_t now_ms, std::int64_t period_ms, std::int64_t phase) {
  std::int64_t since = (now_ms - phase) % period_ms;
  if (since < 0) since += period_ms;
  return now_ms - since + period_ms;
}

}  // namespace monitor::sensord
