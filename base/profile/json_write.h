// The bytes of canonical JSON for one leaf. Used inside base/profile only. Pure, any thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace base::profile {

void append_integer(std::string& out, std::int64_t value);
void append_real(std::string& out, double value);
void append_quoted(std::string& out, std::string_view text);

}  // namespace base::profile
