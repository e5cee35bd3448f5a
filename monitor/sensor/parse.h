// Reading the kernel's text files. Internal to this room; pure, any thread. A file that does not look as expected is an error
// that names it, never a guessed number.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/diag/result.h"
#include "base/profile/value.h"

namespace monitor::sensor {

std::optional<double> number(std::string_view word);
std::optional<std::int64_t> whole(std::string_view word);

// Takes the next line off `text`; false at the end.
bool next_line(std::string_view& text, std::string_view& line);
// Takes the next word (blanks between) off `line`; empty at the end.
std::string_view next_word(std::string_view& line);

base::Result<std::string> read(const std::filesystem::path& path);
// First line of a small file; nothing when it cannot be read (sysfs answers EINVAL for many attributes of downed devices).
std::optional<std::string> first_line(const std::filesystem::path& path);

base::Error malformed(const std::filesystem::path& path, std::string_view what);

// A list of strings among the options, or the default when it is absent. make() checked the type of the list already.
base::Result<std::vector<std::string>> patterns(const base::profile::Value& options, std::string_view name,
                                                std::initializer_list<std::string_view> fallback);
bool matches_any(const std::vector<std::string>& patterns, std::string_view word);

}  // namespace monitor::sensor
