// JSON in and out for profile::Value. Parsing is simdjson's; writing is ours because the bytes are hashed. Pure functions, any
// thread.
#pragma once

#include <string>
#include <string_view>

#include "base/profile/value.h"

namespace base::profile {

struct JsonLimits {
  std::size_t bytes = 64u << 20;  // longer documents are refused (Errc::exhausted)
  int depth = 128;                // deeper nesting is refused
};

// Errc::invalid with line and column on bad syntax, duplicate keys or bad UTF-8. Integers beyond 64 bits are refused.
Result<Value> parse_json(std::string_view text, const JsonLimits& limits = {});

// Canonical: no white space, keys by bytes, minimal escapes. Doubles are the shortest digits that read back equal, written
// 100000.0 from 1e-5 up to 1e16 and 1e+16 outside. NaN and infinities, which parse_json cannot produce, are written as the
// words NaN and Infinity: every JSON reader refuses them, so they never pass silently for another value.
std::string to_json(const Value& value);
// Two-space indent, for people; same escapes, final newline.
std::string to_json_pretty(const Value& value);

}  // namespace base::profile
