// Branches: list, make, delete, merge, pick, and the nodes that follow them.
#include <chrono>

#include <fmt/format.h>

#include "base/text/text.h"
#include "cdb/http/api.h"
#include "cdb/http/input.h"
#include "cdb/http/rights.h"

namespace cdb::http {
namespace {

using base::Errc;
using base::fail;
using base::profile::Dict;
using base::profile::List;
using base::profile::Value;

constexpr std::size_t max_body = 8u << 20;
constexpr std::size_t max_message = 4096;
constexpr std::size_t max_description = 1000;
constexpr std::size_t max_nodes = 100'000;
constexpr std::int64_t max_revision = std::int64_t{1} << 53;

Value branch_json(const store::BranchInfo& b) {
  Dict out{{"name", b.name},
           {"kind", b.kind},
           {"head", b.head},
           {"owner", b.owner.name},
           {"owner_kind", b.owner.kind},
           {"description", b.description},
           {"created", b.created},
           {"objects", b.objects},
           {"followers", b.followers},
           {"source", nullptr},
           {"source_revision", nullptr}};
  if (b.source) {
    out["source"] = *b.source;
    out["source_revision"] = b.source_revision;
  }
  return out;
}

struct Wish {
  std::string message;
  bool dry_run = false;
};
base::Result<Wish> wish_of(const Value& value) {
  return Wish{WEFT_TRY(text_or(value, "message", "", max_message)), WEFT_TRY(flag(value, "dry_run", false))};
}

double seconds_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

}  // namespace

Api::Answer Api::branch_list(const Request& request) {
  WEFT_TRY(may_read(request.identity));
  WEFT_TRY(only_query(request, {}));
  List branches;
  for (const auto& branch : WEFT_TRY(services_.store->branches())) branches.push_back(branch_json(branch));
  return base::http::Response::json(Dict{{"branches", std::move(branches)}});
}

Api::Answer Api::branch_one(const Request& request) {
  WEFT_TRY(may_read(request.identity));
  WEFT_TRY(only_query(request, {}));
  const auto branch = WEFT_TRY(services_.store->branch(request.params.at("branch")));
  auto out = branch_json(branch);
  List changes;
  if (branch.source) {
    std::map<std::string, store::Digest> before;
    for (const auto& file : WEFT_TRY(services_.store->files(*branch.source, branch.source_revision, "", false)))
      before.emplace(file.path, file.hash);
    for (const auto& file : WEFT_TRY(services_.store->files(branch.name, 0, "", false))) {
      const auto then = before.find(file.path);
      if (then == before.end()) changes.emplace_back(Dict{{"path", file.path}, {"change", "added"}, {"revision", file.revision}});
      if (then != before.end() && then->second != file.hash)
        changes.emplace_back(Dict{{"path", file.path}, {"change", "changed"}, {"revision", file.revision}});
      if (then != before.end()) before.erase(then);
    }
    for (const auto& [path, hash] : before)
      changes.emplace_back(Dict{{"path", path}, {"change", "removed"}, {"revision", nullptr}});
  }
  out["changes"] = std::move(changes);
  return base::http::Response::json(out);
}

Api::Answer Api::branch_create(const Request& request) {
  WEFT_TRY(must_be_person(request.identity, "make a branch"));
  WEFT_TRY(only_query(request, {}));
  const auto value = WEFT_TRY(body(request, max_body, {"name", "kind", "from", "revision", "description"}));
  store::NewBranch branch;
  branch.name = WEFT_TRY(need_string(value, "name", 64));
  branch.kind = WEFT_TRY(text_or(value, "kind", "sandbox", 16));
  if (branch.kind != "sandbox" && branch.kind != "domain") {
    return fail(Errc::invalid, fmt::format("there is no kind of branch '{}'", branch.kind),
                "sandbox: somebody's work; domain: what nodes follow");
  }
  branch.source = WEFT_TRY(text_or(value, "from", "main", 64));
  branch.source_revision = WEFT_TRY(integer(value, "revision", 1, max_revision)).value_or(0);
  branch.description = WEFT_TRY(text_or(value, "description", "", max_description));
  const auto name = branch.name;
  auto outcome = services_.builder->create_branch(std::move(branch), actor(request.identity));
  if (!outcome) return fail(std::move(outcome.error()));
  if (outcome->kind == build::Outcome::Kind::refused) return answer(std::move(outcome), 0);
  auto out = branch_json(WEFT_TRY(services_.store->branch(name)));
  return base::http::Response::json(out, 201);
}

Api::Answer Api::branch_delete(const Request& request) {
  WEFT_TRY(must_be_person(request.identity, "delete a branch"));
  WEFT_TRY(only_query(request, {}));
  const auto& name = request.params.at("branch");
  WEFT_TRY(services_.store->delete_branch(name, actor(request.identity)));
  return base::http::Response::json(Dict{{"deleted", name}});
}

Api::Answer Api::branch_merge(const Request& request) {
  WEFT_TRY(must_be_person(request.identity, "merge branches"));
  WEFT_TRY(only_query(request, {}));
  const auto value = WEFT_TRY(body(request, max_body, {"source", "message", "dry_run"}));
  const auto source = WEFT_TRY(need_string(value, "source", 64));
  auto wish = WEFT_TRY(wish_of(value));
  const auto start = std::chrono::steady_clock::now();
  auto outcome = services_.builder->merge(source, request.params.at("branch"), std::move(wish.message), wish.dry_run,
                                          actor(request.identity));
  return answer(std::move(outcome), seconds_since(start));
}

Api::Answer Api::branch_pick(const Request& request) {
  WEFT_TRY(must_be_person(request.identity, "pick a revision"));
  WEFT_TRY(only_query(request, {}));
  const auto value = WEFT_TRY(body(request, max_body, {"revision", "message", "dry_run"}));
  const auto revision = WEFT_TRY(integer(value, "revision", 1, max_revision));
  if (!revision) return fail(Errc::invalid, "'revision' is missing", "say which revision is to be picked");
  auto wish = WEFT_TRY(wish_of(value));
  const auto start = std::chrono::steady_clock::now();
  auto outcome = services_.builder->cherry_pick(*revision, request.params.at("branch"), std::move(wish.message), wish.dry_run,
                                                actor(request.identity));
  return answer(std::move(outcome), seconds_since(start));
}

Api::Answer Api::branch_move(const Request& request) {
  WEFT_TRY(must_be_person(request.identity, "move nodes to another branch"));
  WEFT_TRY(only_query(request, {}));
  const auto value = WEFT_TRY(body(request, max_body, {"nodes", "base", "message", "dry_run"}));
  const auto* list = value.get("nodes");
  if (!list || !list->is_list()) return fail(Errc::invalid, "'nodes' must be a list of node names");
  if (list->list()->size() > max_nodes)
    return fail(Errc::exhausted, fmt::format("at most {} nodes move at once", max_nodes), "move them in parts");
  std::vector<std::string> nodes;
  for (const auto& node : *list->list()) {
    if (!node.is_string() || node.string()->size() > 253 || node.string()->find('\0') != std::string::npos)
      return fail(Errc::invalid, "'nodes' must be a list of node names");
    nodes.push_back(*node.string());
  }
  const auto base = WEFT_TRY(integer(value, "base", 1, max_revision));
  auto wish = WEFT_TRY(wish_of(value));
  if (wish.message.empty()) wish.message = fmt::format("Move {} nodes to {}", nodes.size(), request.params.at("branch"));
  const auto start = std::chrono::steady_clock::now();
  auto outcome = services_.builder->move(nodes, request.params.at("branch"), base, std::move(wish.message), wish.dry_run,
                                         actor(request.identity));
  return answer(std::move(outcome), seconds_since(start));
}

}  // namespace cdb::http
