// Which nodes a selection means (cdb/select), and which revision "at" means. Used by the routes; blocks on SQL. Failure:
// Errc::invalid for a wrong expression, Errc::not_found for a path that no profile ever had, Errc::exhausted when deciding takes
// longer than `max_select_time`.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cdb/http/api.h"

namespace cdb::http {

constexpr std::chrono::seconds max_select_time{5};

// Names in order; may be empty. `revision` 0: as things are; else as of that revision, then only values of profiles are known.
base::Result<std::vector<std::string>> select_nodes(const Services& services, std::string_view expression, std::int64_t revision);

// Query parameter `at`: a revision number or a time (RFC 3339). 0 when it is absent.
base::Result<std::int64_t> query_at(const Services& services, const base::http::Request& request);

}  // namespace cdb::http
