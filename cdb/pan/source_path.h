// Joining the parts of template paths. Used by cdb/pan. Pure.
#pragma once

#include <string>
#include <string_view>

namespace cdb::pan {

// "a" + "b" = "a/b"; empty parts and "." in front vanish.
std::string join_path(std::string_view a, std::string_view b);

}  // namespace cdb::pan
