#include "base/diag/result.h"

namespace base {

std::string_view errc_name(Errc code) {
  switch (code) {
    case Errc::invalid: return "invalid";
    case Errc::not_found: return "not-found";
    case Errc::conflict: return "conflict";
    case Errc::denied: return "denied";
    case Errc::unavailable: return "unavailable";
    case Errc::timeout: return "timeout";
    case Errc::corrupt: return "corrupt";
    case Errc::exhausted: return "exhausted";
    case Errc::internal: return "internal";
  }
  return "internal";
}

Error&& Error::during(std::string circumstance) && {
  chain.push_back(std::move(circumstance));
  return std::move(*this);
}

std::string Error::text() const {
  std::string out = message;
  for (const auto& circumstance : chain) out += "\n  while " + circumstance;
  if (!hint.empty()) out += "\n  hint: " + hint;
  return out;
}

}  // namespace base
