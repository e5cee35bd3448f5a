// Nodes by --select and moments by --at, the same way in every command that takes them. Single-threaded.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "programs/weft/session.h"

namespace programs::weft {

base::cli::Option select_option();
base::cli::Option at_option(std::string help);

// Every page of GET /v1/node with this query string ("role=disk&...").
base::Result<base::profile::List> fetch_nodes(base::http::Client& client, const std::string& query);

// For commands that act: names given and names that --select selects, in order, each once; names are resolved when `resolve`.
// Errc::invalid without any, Errc::not_found when the selection matches no node: it never means all.
base::Result<std::vector<std::string>> chosen_nodes(base::http::Client& client, const base::cli::Arguments& arguments,
                                                    const std::vector<std::string>& given, bool resolve);

// --at as the server takes it: a revision as it stands; RFC 3339, "2026-11-23 14:00" (UTC), "2 days ago" or "2d" as RFC 3339.
// "" when it is absent.
base::Result<std::string> at_of(const base::cli::Arguments& arguments);
base::Result<std::string> moment(std::string_view text, std::chrono::system_clock::time_point now);

}  // namespace programs::weft
