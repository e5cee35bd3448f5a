#include "cdb/http/rights.h"

#include <fmt/format.h>

namespace cdb::http {
namespace {

using Kind = Identity::Kind;

std::string who(const Identity& identity) {
  switch (identity.kind) {
    case Kind::node: return "node " + identity.name;
    case Kind::person: return "person " + identity.name;
    case Kind::service: return "service " + identity.name;
    case Kind::none: break;
  }
  return "a client without certificate";
}

base::Result<> deny(const Identity& identity, std::string_view what, std::string_view hint) {
  return base::fail(base::Errc::denied, fmt::format("{} may not {}", who(identity), what), std::string(hint));
}

bool person_or_service(const Identity& identity) {
  return identity.kind == Kind::person || identity.kind == Kind::service;
}

}  // namespace

store::Actor actor(const Identity& identity) {
  switch (identity.kind) {
    case Kind::node: return {"node", identity.name};
    case Kind::person: return {"person", identity.name};
    case Kind::service: return {"service", identity.name};
    case Kind::none: break;
  }
  return {"none", ""};
}

base::Result<> may_read(const Identity& identity) {
  if (person_or_service(identity)) return {};
  return deny(identity, "read the configuration database",
              "use a person's or a service's certificate; a node reads its own profile only");
}

base::Result<> may_read_profile(const Identity& identity, std::string_view node) {
  if (person_or_service(identity) || (identity.kind == Kind::node && identity.name == node)) return {};
  return deny(identity, fmt::format("read the profile of {}", node),
              "a node reads its own profile only; people and services read all");
}

base::Result<> must_be_node(const Identity& identity, std::string_view node) {
  if (identity.kind == Kind::node && identity.name == node) return {};
  return deny(identity, fmt::format("speak for node {}", node), "use the certificate of that very node");
}

base::Result<> must_be_person(const Identity& identity, std::string_view to_do) {
  if (identity.kind == Kind::person) return {};
  return deny(identity, to_do, "this needs a person's certificate");
}

base::Result<> may_edit(const Identity& identity, const std::vector<std::string>& paths) {
  if (identity.kind == Kind::person) return {};
  if (identity.kind != Kind::service || (identity.name != "leaf" && identity.name != "weftd")) {
    return deny(identity, "change templates", "people change templates; the role leaf changes those below sms/");
  }
  for (const auto& path : paths) {
    if (!path.starts_with("sms/")) return deny(identity, fmt::format("change '{}'", path), "services write below sms/ only");
  }
  return {};
}

base::Result<> must_have(const rights::Standing& standing, rights::Role role, std::int64_t policy) {
  if (standing.has(role)) return {};
  std::string roles;
  for (const auto one : standing.roles) roles += fmt::format("{}{}", roles.empty() ? "" : ", ", rights::role_name(one));
  return base::fail(base::Errc::denied,
                    fmt::format("person {} has not the role {} ({} in policy {})", standing.subject.name, rights::role_name(role),
                                roles.empty() ? "no role" : "only " + roles, policy),
                    "weft rights whoami shows your roles, weft rights show who gives them: an administrator");
}

base::http::Response rights_problem(const rights::Report& report) {
  std::string what;
  if (const auto count = report.refusals.size() + report.more_refusals; count > 0) {
    const auto& first = report.refusals.front();
    what = fmt::format("{} difference{} beyond your rights, the first: {}{}{}", count, count == 1 ? " is" : "s are", first.act,
                       first.path.empty() ? "" : " " + first.path, first.nodes.empty() ? "" : " on " + first.nodes.front());
  } else {
    for (const auto& one : report.approvals) {
      if (one.has >= one.needs) continue;
      what += fmt::format("{}'{}' needs {} approval{} from {}, there {} {}", what.empty() ? "" : "; ", one.name, one.needs,
                          one.needs == 1 ? "" : "s", one.from, one.has == 1 ? "is" : "are", one.has);
    }
  }
  return base::http::problem(
      {base::Errc::denied,
       what + "; nothing was stored",
       "weft rights explain tells which rules were looked at; --propose keeps the change for others to approve (weft review)",
       {}},
      {{"rights", rights::to_json(report)}});
}

}  // namespace cdb::http
