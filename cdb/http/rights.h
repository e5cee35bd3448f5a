// Who may do what in the CDB. Used by the routes. Pure, any thread. Everything not allowed here is Errc::denied.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/diag/result.h"
#include "base/http/server.h"
#include "cdb/store/types.h"

namespace cdb::http {

using base::http::Identity;

store::Actor actor(const Identity& identity);

base::Result<> may_read(const Identity& identity);  // templates, nodes, revisions: persons, services
base::Result<> may_read_profile(const Identity& identity, std::string_view node);  // and the node itself
base::Result<> must_be_node(const Identity& identity, std::string_view node);
base::Result<> must_be_person(const Identity& identity, std::string_view to_do);
// Persons change any template, the role leaf those below sms/ only.
base::Result<> may_edit(const Identity& identity, const std::vector<std::string>& paths);

}  // namespace cdb::http
