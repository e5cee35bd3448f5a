// Claims as a Pan template: what sms/<node>.pan must hold. Pure functions; the same claims always give the same bytes.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "leaf/sms/claims.h"

namespace leaf::sms {

// The most restrictive state of the claims in effect; "production" when there is none.
std::string effective_state(const std::vector<Claim>& held);
std::string fragment_path(std::string_view node);
// Absent: no claim is in effect, so the file must not exist.
std::optional<std::string> fragment(std::string_view node, const std::vector<Claim>& held);

}  // namespace leaf::sms
