// What a template or text file of a branch may be called. Used by cdb/http and cdb/build before anything is stored, and by `weft`
// before anything is sent. Pure, any thread.
#pragma once

#include <string_view>

#include "base/diag/result.h"

namespace cdb::store {

constexpr std::size_t max_path_length = 512;

// Relative, "/"-separated, segments of letters, digits and ._+-@,=:~ that do not begin with a dot. Errc::invalid says which rule
// the name breaks.
base::Result<> valid_template_path(std::string_view path);

}  // namespace cdb::store
