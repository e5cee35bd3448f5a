// Proposals: kept changes, what others say about them, and their commit.
#include <chrono>

#include <fmt/format.h>

#include "base/text/text.h"
#include "cdb/http/api.h"
#include "cdb/http/input.h"
#include "cdb/http/rights.h"
#include "cdb/rights/standing.h"

namespace cdb::http {
namespace {

using base::Errc;
using base::fail;
using base::profile::Dict;
using base::profile::List;
using base::profile::Value;
using Kind = build::Outcome::Kind;

constexpr std::int64_t max_number = std::int64_t{1} << 53;
constexpr std::size_t max_comment = 4096;

base::Result<std::int64_t> number_of(const base::http::Request& request) {
  return parse_integer(request.params.at("id"), "proposal", 1, max_number);
}

Dict proposal_json(const store::Proposal& p) {
  return {{"proposal", p.id},   {"branch", p.branch},       {"base", p.base ? Value(*p.base) : Value()},
          {"author", p.author}, {"message", p.message},     {"created", p.created},
          {"state", p.state},   {"effect", p.effect.hex()}, {"revision", p.revision ? Value(*p.revision) : Value()}};
}

Value plan_json(build::Outcome& outcome) {
  return Dict{{"plan", std::move(outcome.plan)}, {"rights", rights::to_json(outcome.rights)}};
}

base::Result<build::Change> change_of(const store::Proposal& proposal) {
  build::Change change;
  change.branch = proposal.branch;
  change.base = proposal.base;
  change.author = {"person", proposal.author};
  change.message = proposal.message;
  change.approvers = proposal.approvers();
  change.effect = proposal.effect;
  if (!change.approvers.empty()) change.message += "\n\nApproved-by: " + base::text::join(change.approvers, ", ");
  for (const auto& edit : *proposal.edits.list()) {
    const auto* content = edit.get("content");
    change.edits.push_back({std::string(edit.get_string("path")),
                            content && content->is_string() ? std::optional(*content->string()) : std::nullopt});
  }
  return change;
}

}  // namespace

Api::Answer Api::propose(build::Change change) {
  if (!change.rollout.empty())
    return fail(Errc::invalid, "a proposal has no roll-out policy of its own",
                "the branch's default is used when it is committed");
  change.dry_run = true;
  const auto start = std::chrono::steady_clock::now();
  auto outcome = WEFT_TRY(services_.builder->change(change));
  if (outcome.kind != Kind::planned)
    return answer(std::move(outcome), std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
  store::Proposal proposal;
  proposal.branch = change.branch;
  proposal.base = change.base;
  proposal.author = change.author.name;
  proposal.message = change.message;
  proposal.effect = outcome.effect;
  proposal.plan = plan_json(outcome);
  List edits;
  for (auto& edit : change.edits)
    edits.emplace_back(Dict{{"path", edit.path}, {"content", edit.content ? Value(std::move(*edit.content)) : Value()}});
  proposal.edits = std::move(edits);
  proposal.id = WEFT_TRY(services_.reviews->add(proposal));
  auto out = proposal_json(proposal);
  for (const auto& [name, value] : *proposal.plan.dict()) out[name] = value;
  return base::http::Response::json(std::move(out), 201);
}

Api::Answer Api::proposal_list(const Request& request) {
  WEFT_TRY(may_read(request.identity));
  WEFT_TRY(only_query(request, {"all", "before", "limit"}));
  const auto all = WEFT_TRY(query_flag(request, "all")).value_or(false);
  const auto before = WEFT_TRY(query_integer(request, "before", 0, 0, max_number));
  const auto limit = WEFT_TRY(query_integer(request, "limit", 50, 1, 1000));
  List proposals;
  std::int64_t last = 0;
  for (const auto& one : WEFT_TRY(services_.reviews->list(all, before, static_cast<int>(limit)))) {
    proposals.emplace_back(proposal_json(one));
    last = one.id;
  }
  const bool full = static_cast<std::int64_t>(proposals.size()) == limit;
  return base::http::Response::json(Dict{{"proposals", std::move(proposals)}, {"next", full ? Value(last) : Value()}});
}

Api::Answer Api::proposal_one(const Request& request) {
  WEFT_TRY(may_read(request.identity));
  WEFT_TRY(only_query(request, {}));
  auto proposal = WEFT_TRY(services_.reviews->one(WEFT_TRY(number_of(request))));
  auto out = proposal_json(proposal);
  for (const auto& [name, value] : *proposal.plan.dict()) out[name] = value;
  out["edits"] = std::move(proposal.edits);
  List reviews;
  for (const auto& one : proposal.reviews) {
    reviews.emplace_back(Dict{{"person", one.person},
                              {"verdict", one.verdict},
                              {"comment", one.comment},
                              {"time", one.time},
                              {"counts", one.effect == proposal.effect}});
  }
  out["reviews"] = std::move(reviews);
  return base::http::Response::json(std::move(out));
}

Api::Answer Api::proposal_review(const Request& request) {
  const bool approve = request.path.ends_with("/approve");
  WEFT_TRY(must_be_person(request.identity, "review a proposal"));
  WEFT_TRY(only_query(request, {}));
  const auto id = WEFT_TRY(number_of(request));
  const auto value = WEFT_TRY(body(request, 65536, {"effect", "comment"}));
  const auto effect = WEFT_TRY(store::Digest::parse(WEFT_TRY(need_string(value, "effect", 64))));
  const auto comment = WEFT_TRY(text_or(value, "comment", "", max_comment));
  if (!approve && base::text::trim(comment).empty())
    return fail(Errc::invalid, "a rejection needs a comment", "tell the author what is wrong");
  const auto proposal = WEFT_TRY(services_.reviews->one(id));
  const auto& person = request.identity.name;
  if (proposal.author == person) {
    return fail(Errc::denied, fmt::format("proposal {} is your own: somebody else reviews it", id),
                fmt::format("take it back with weft review withdraw {}", id));
  }
  const auto current = WEFT_TRY(services_.builder->policy());
  const auto standing = rights::standing(current.policy.get(), {"person", person});
  if (!approve && !standing.has(rights::Role::editor) && !standing.has(rights::Role::operations)) {
    return fail(Errc::denied, fmt::format("person {} may not reject: that is for editors and operators", person),
                "weft rights whoami shows your roles");
  }
  WEFT_TRY(services_.reviews->review(id, person, approve, effect, comment));
  return base::http::Response::json(Dict{{"proposal", id}, {"verdict", approve ? "approve" : "reject"}});
}

Api::Answer Api::proposal_withdraw(const Request& request) {
  WEFT_TRY(must_be_person(request.identity, "withdraw a proposal"));
  WEFT_TRY(only_query(request, {}));
  const auto id = WEFT_TRY(number_of(request));
  WEFT_TRY(body(request, 1024, {}));
  if (WEFT_TRY(services_.reviews->one(id)).author != request.identity.name)
    return fail(Errc::denied, fmt::format("proposal {} is not yours", id), "reject it instead, with a comment");
  WEFT_TRY(services_.reviews->close(id, actor(request.identity), "withdrawn", std::nullopt));
  return base::http::Response::json(Dict{{"proposal", id}, {"state", "withdrawn"}});
}

Api::Answer Api::proposal_commit(const Request& request) {
  WEFT_TRY(must_be_person(request.identity, "commit a proposal"));
  WEFT_TRY(only_query(request, {}));
  const auto id = WEFT_TRY(number_of(request));
  WEFT_TRY(body(request, 1024, {}));
  const auto proposal = WEFT_TRY(services_.reviews->one(id));
  if (proposal.state != "open")
    return fail(Errc::conflict, fmt::format("proposal {} is {} already", id, proposal.state), "make another one from the edits");
  const auto change = WEFT_TRY(change_of(proposal));
  const auto start = std::chrono::steady_clock::now();
  auto outcome = WEFT_TRY(services_.builder->change(change));
  if (outcome.kind == Kind::stale) {
    WEFT_TRY(services_.reviews->plan_again(id, outcome.effect, plan_json(outcome)));
    return fail(
        Errc::conflict,
        fmt::format("what proposal {} would change is something else by now; it was planned again, and {} approval{} of the "
                    "earlier plan count no more",
                    id, change.approvers.size(), change.approvers.size() == 1 ? "" : "s"),
        fmt::format("look at the new plan: weft review show {}", id));
  }
  // A kill between the commit and this leaves it open: the next try finds the branch unchanged and closes it.
  if (outcome.kind == Kind::stored || outcome.kind == Kind::unchanged)
    WEFT_TRY(services_.reviews->close(id, actor(request.identity), "committed", outcome.revision));
  return answer(std::move(outcome), std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
}

}  // namespace cdb::http
