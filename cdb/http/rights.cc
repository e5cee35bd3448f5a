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

}  // namespace cdb::http
