// weft.yaml: how a tree of templates compiles. Used by Branch. Pure, any thread.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/diag/result.h"

namespace cdb::build {

struct Site {
  static constexpr std::string_view file = "weft.yaml";
  std::vector<std::string> include_path;  // search order, relative to the root; "" is the root
  std::vector<std::string> objects;       // patterns; * and ? within a segment, ** for any segments
  friend bool operator==(const Site&, const Site&) = default;

  bool is_object(std::string_view path) const;
};

// Errc::invalid says what is wrong with weft.yaml, with line and column for syntax.
base::Result<Site> parse_site(std::string_view text);

}  // namespace cdb::build
