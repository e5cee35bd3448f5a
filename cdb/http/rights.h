// Who may do what in the CDB, by kind of identity; what persons may under the policy is cdb/rights' affair. Used by the routes.
// Pure, any thread. Everything not allowed here is Errc::denied.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/diag/result.h"
#include "base/http/server.h"
#include "cdb/rights/check.h"
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

// Errc::denied with what to do about it, unless `standing` has the role. `policy`: its number, 0: none.
base::Result<> must_have(const rights::Standing& standing, rights::Role role, std::int64_t policy);
// 403 for a change that its people may not make, with all refusals and missing approvals.
base::http::Response rights_problem(const rights::Report& report);

}  // namespace cdb::http
