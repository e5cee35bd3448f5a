// Small text helpers that several rooms share. Pure functions, any thread.
#pragma once

#include <chrono>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/diag/result.h"

namespace base::text {

std::vector<std::string> split(std::string_view text, char separator);
std::string join(std::span<const std::string> parts, std::string_view separator);
std::string_view trim(std::string_view text);
bool valid_utf8(std::string_view text);
// Candidates at edit distance <= 2 (1 for words under 5 letters), nearest first, at most five.
std::vector<std::string> did_you_mean(std::string_view word, std::span<const std::string> candidates);
// " (did you mean a, b?)" or "".
std::string did_you_mean_suffix(std::string_view word, std::span<const std::string> candidates);
std::string rfc3339(std::chrono::system_clock::time_point time);  // UTC, milliseconds, 'Z'
// "90s", "15m", "2h", "3d" or "1h30m".
Result<std::chrono::seconds> parse_duration(std::string_view text);
std::string human_duration(std::chrono::milliseconds duration);  // "1.2 s", "3 min"
std::string unified_diff(std::string_view before, std::string_view after, std::string_view name_before,
                         std::string_view name_after);
// Shell-style * and ? over the whole word.
bool glob_match(std::string_view pattern, std::string_view word);

}  // namespace base::text
