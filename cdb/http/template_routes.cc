// Templates, changes, revisions.
#include <chrono>

#include <fmt/format.h>

#include "base/metrics/metrics.h"
#include "base/profile/json.h"
#include "base/text/text.h"
#include "cdb/build/blame.h"
#include "cdb/http/api.h"
#include "cdb/http/input.h"
#include "cdb/http/rights.h"
#include "cdb/store/template_path.h"

namespace cdb::http {
namespace {

using base::profile::Dict;
using base::profile::List;
using base::profile::Value;

constexpr std::size_t max_change = 64u << 20;  // bytes of a change
constexpr std::size_t max_edits = 50000;       // files in one change
constexpr std::size_t max_content = 8u << 20;  // bytes of one file
constexpr std::size_t max_message = 4096;
constexpr std::int64_t max_revision = std::int64_t{1} << 53;

std::string branch_of(const base::http::Request& request) {
  return query_text(request, "branch").value_or("main");
}

base::Result<build::Edit> parse_edit(const Value& value) {
  WEFT_TRY(only(value, {"path", "content"}, "an edit"));
  build::Edit edit;
  edit.path = WEFT_TRY(need_string(value, "path", store::max_path_length));
  const auto* content = value.get("content");
  if (!content) {
    return base::fail(base::Errc::invalid, fmt::format("edit of '{}' has no content", edit.path),
                      "give the file's content, or null to remove it");
  }
  if (!content->is_null()) edit.content = WEFT_TRY(text_or(value, "content", "", max_content));
  return edit;
}

base::Result<build::Change> parse_change(const base::http::Request& request) {
  const auto value = WEFT_TRY(body(request, max_change, {"branch", "base", "message", "edits", "dry_run", "rollout"}));
  build::Change change;
  change.branch = WEFT_TRY(text_or(value, "branch", "main", 64));
  change.base = WEFT_TRY(integer(value, "base", 0, max_revision));
  change.dry_run = WEFT_TRY(flag(value, "dry_run", false));
  change.rollout = WEFT_TRY(text_or(value, "rollout", "", 64));
  change.message = WEFT_TRY(text_or(value, "message", "", max_message));
  if (!change.dry_run && base::text::trim(change.message).empty()) {
    return base::fail(base::Errc::invalid, "a commit needs a message", "say in one sentence why, for the log");
  }
  const auto* edits = value.get("edits");
  if (!edits || !edits->is_list()) return base::fail(base::Errc::invalid, "'edits' must be a list of {path, content}");
  if (edits->list()->size() > max_edits) {
    return base::fail(base::Errc::exhausted, fmt::format("a change has at most {} edits", max_edits), "split the change");
  }
  for (const auto& edit : *edits->list()) change.edits.push_back(WEFT_TRY(parse_edit(edit)));
  return change;
}

Value file_json(const store::File& file) {
  Dict out{{"path", file.path}, {"hash", file.hash.hex()}, {"size", file.size}, {"revision", file.revision}};
  if (file.content) out["content"] = *file.content;
  return out;
}

Value revision_json(const store::Revision& r) {
  return Dict{{"revision", r.number},
              {"parent", r.parent},
              {"branch", r.branch},
              {"author", r.author.name},
              {"author_kind", r.author.kind},
              {"message", r.message},
              {"time", r.time},
              {"tree", r.tree.hex()},
              {"reverts", r.reverts ? Value(*r.reverts) : Value()},
              {"merged", r.merged ? Value(*r.merged) : Value()},
              {"merged_revision", r.merged ? Value(r.merged_revision) : Value()},
              {"compiled", r.compiled},
              {"changed", r.changed}};
}

std::string refusal(const build::Outcome& outcome) {
  if (outcome.failed_profiles == 0) return "the tree is not right; nothing was stored";
  return fmt::format("{} of the {} profiles this change touches do not compile; nothing was stored", outcome.failed_profiles,
                     outcome.compiled);
}

}  // namespace

Api::Answer Api::answer(base::Result<build::Outcome> outcome, double seconds) const {
  if (!outcome) return base::fail(std::move(outcome.error()));
  using Kind = build::Outcome::Kind;
  List findings;
  for (const auto& finding : outcome->findings) findings.push_back(build::to_json(finding));
  base::metrics::observe_seconds("weft_cdb_change_seconds", "Time to build, and store, one change of templates.",
                                 {{"outcome", outcome->kind == Kind::stored    ? "stored"
                                              : outcome->kind == Kind::planned ? "planned"
                                              : outcome->kind == Kind::refused ? "refused"
                                              : outcome->kind == Kind::denied  ? "denied"
                                                                               : "other"}},
                                 seconds);
  switch (outcome->kind) {
    case Kind::refused: {
      // Not base::http::problem: Errc::invalid would be 400, and this request was right; what it asks for is not.
      auto response = base::http::Response::json(Dict{{"type", "urn:weft:error:invalid"},
                                                      {"title", "the change does not compile"},
                                                      {"status", 422},
                                                      {"detail", refusal(*outcome)},
                                                      {"hint", "correct what the diagnostics show and send the change again"},
                                                      {"diagnostics", std::move(findings)},
                                                      {"diagnostics_dropped", outcome->findings_dropped},
                                                      {"failed_profiles", outcome->failed_profiles}},
                                                 422);
      response.content_type = "application/problem+json";
      return response;
    }
    case Kind::conflict: {
      List conflicts;
      for (const auto& conflict : outcome->conflicts) conflicts.push_back(build::to_json(conflict));
      const auto& first = outcome->conflicts.front();
      const auto more = outcome->conflicts.size() - 1;
      return base::http::problem(
          {base::Errc::conflict,
           fmt::format("'{}' was changed on both sides{}{}", first.path,
                       first.revision ? fmt::format(": by {} in revision {}", first.author, first.revision) : "",
                       more ? fmt::format(", and {} more file{}", more, more == 1 ? "" : "s") : ""),
           "bring both changes together and send the result: weft template update does so in a working copy",
           {}},
          {{"conflicts", std::move(conflicts)}, {"revision", outcome->revision}});
    }
    case Kind::stale:
      return base::fail(base::Errc::conflict, "the change does something else than what was approved", "plan it again");
    case Kind::denied: return rights_problem(outcome->rights);
    case Kind::stored: services_.wake->hint(); break;
    case Kind::planned:
    case Kind::unchanged: break;
  }
  List merged;
  for (const auto& path : outcome->merged) merged.emplace_back(path);
  return base::http::Response::json(Dict{{"revision", outcome->revision},
                                         {"unchanged", outcome->kind == Kind::unchanged},
                                         {"dry_run", outcome->kind == Kind::planned},
                                         {"plan", std::move(outcome->plan)},
                                         {"merged", std::move(merged)},
                                         {"rights", rights::to_json(outcome->rights)},
                                         {"diagnostics", std::move(findings)},
                                         {"took_ms", static_cast<std::int64_t>(seconds * 1000)}});
}

Api::Answer Api::change(const Request& request) {
  WEFT_TRY(may_edit(request.identity, {}));  // strangers are refused before their body is read
  WEFT_TRY(only_query(request, {}));
  auto change = WEFT_TRY(parse_change(request));
  std::vector<std::string> paths;
  for (const auto& edit : change.edits) paths.push_back(edit.path);
  WEFT_TRY(may_edit(request.identity, paths));
  change.author = actor(request.identity);
  if (request.path == "/v1/proposal") {
    WEFT_TRY(must_be_person(request.identity, "propose a change"));
    return propose(std::move(change));
  }
  const auto start = std::chrono::steady_clock::now();
  auto outcome = services_.builder->change(change);
  return answer(std::move(outcome), std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
}

Api::Answer Api::revert(const Request& request) {
  WEFT_TRY(must_be_person(request.identity, "revert a revision"));
  WEFT_TRY(only_query(request, {}));
  const auto number = WEFT_TRY(parse_integer(request.params.at("number"), "revision", 1, max_revision));
  const auto value = WEFT_TRY(body(request, 65536, {"message", "dry_run"}));
  auto message = WEFT_TRY(text_or(value, "message", "", max_message));
  const auto dry_run = WEFT_TRY(flag(value, "dry_run", false));
  const auto start = std::chrono::steady_clock::now();
  auto outcome = services_.builder->revert(number, std::move(message), dry_run, actor(request.identity));
  return answer(std::move(outcome), std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
}

Api::Answer Api::template_list(const Request& request) {
  WEFT_TRY(may_read(request.identity));
  WEFT_TRY(only_query(request, {"branch", "revision", "prefix", "content"}));
  const auto branch = branch_of(request);
  const auto revision = WEFT_TRY(query_integer(request, "revision", 0, 0, max_revision));
  auto prefix = query_text(request, "prefix").value_or("");
  while (!prefix.empty() && prefix.back() == '/') prefix.pop_back();
  if (!prefix.empty()) WEFT_TRY(store::valid_template_path(prefix));
  const bool content = WEFT_TRY(query_flag(request, "content")).value_or(false);
  // The head first: what is listed is at least that new, so using it as base can only cause a needless conflict, never hide one.
  const auto head = WEFT_TRY(services_.store->head(branch));
  List files;
  for (const auto& file : WEFT_TRY(services_.store->files(branch, revision, prefix, content))) files.push_back(file_json(file));
  return base::http::Response::json(
      Dict{{"branch", branch}, {"revision", revision ? revision : head}, {"files", std::move(files)}});
}

Api::Answer Api::template_one(const Request& request) {
  WEFT_TRY(may_read(request.identity));
  WEFT_TRY(only_query(request, {"branch", "revision"}));
  const auto& path = request.params.at("path");
  WEFT_TRY(store::valid_template_path(path));
  const auto branch = branch_of(request);
  const auto revision = WEFT_TRY(query_integer(request, "revision", 0, 0, max_revision));
  const auto head = WEFT_TRY(services_.store->head(branch));
  const auto file = WEFT_TRY(services_.store->file(branch, revision, path));
  return base::http::Response::json(Dict{{"branch", branch},
                                         {"revision", revision ? revision : head},
                                         {"path", file.path},
                                         {"hash", file.hash.hex()},
                                         {"size", file.size},
                                         {"content", file.content.value_or("")},
                                         {"changed_in", file.revision}});
}

Api::Answer Api::revision_list(const Request& request) {
  WEFT_TRY(may_read(request.identity));
  WEFT_TRY(only_query(request, {"branch", "path", "node", "before", "limit"}));
  store::Store::RevisionFilter filter;
  filter.branch = query_text(request, "branch");
  filter.path = query_text(request, "path");
  filter.node = query_text(request, "node");
  filter.before = WEFT_TRY(query_integer(request, "before", 0, 0, max_revision));
  filter.limit = static_cast<int>(WEFT_TRY(query_integer(request, "limit", 50, 1, 1000)));
  List revisions;
  std::int64_t last = 0;
  if (filter.path && filter.branch && !filter.node) {
    // The history of a file goes on where its branch began.
    WEFT_TRY(store::valid_template_path(*filter.path));
    const auto newest = filter.before > 0 ? filter.before - 1 : 0;
    for (const auto& step : WEFT_TRY(services_.store->file_history(*filter.branch, newest, *filter.path, filter.limit))) {
      revisions.push_back(revision_json(step.revision));
      last = step.revision.number;
    }
    const bool more = revisions.size() == static_cast<std::size_t>(filter.limit);
    return base::http::Response::json(Dict{{"revisions", std::move(revisions)}, {"next", more ? Value(last) : Value()}});
  }
  for (const auto& revision : WEFT_TRY(services_.store->revisions(filter))) {
    revisions.push_back(revision_json(revision));
    last = revision.number;
  }
  const bool full = revisions.size() == static_cast<std::size_t>(filter.limit);
  return base::http::Response::json(Dict{{"revisions", std::move(revisions)}, {"next", full ? Value(last) : Value()}});
}

Api::Answer Api::revision_one(const Request& request) {
  WEFT_TRY(may_read(request.identity));
  WEFT_TRY(only_query(request, {}));
  const auto number = WEFT_TRY(parse_integer(request.params.at("number"), "revision", 1, max_revision));
  auto out = revision_json(WEFT_TRY(services_.store->revision(number)));
  const auto edits = WEFT_TRY(services_.store->edits(number));
  constexpr std::size_t max_diffs = 200;  // an import is a list of names, not a novel
  std::vector<store::Digest> hashes;
  for (std::size_t i = 0; i < std::min(edits.size(), max_diffs); ++i) {
    if (edits[i].before) hashes.push_back(*edits[i].before);
    if (edits[i].after) hashes.push_back(*edits[i].after);
  }
  const auto contents = WEFT_TRY(services_.store->blobs(hashes));
  List list;
  std::size_t next = 0;
  for (std::size_t i = 0; i < edits.size(); ++i) {
    const auto& edit = edits[i];
    Dict one{{"path", edit.path}, {"change", !edit.before ? "added" : !edit.after ? "removed" : "changed"}};
    if (i < max_diffs && edits.size() <= max_diffs) {
      const auto before = edit.before ? contents[next++] : std::string();
      const auto after = edit.after ? contents[next++] : std::string();
      one["diff"] = base::text::unified_diff(before, after, edit.before ? "a/" + edit.path : "/dev/null",
                                             edit.after ? "b/" + edit.path : "/dev/null");
    }
    list.emplace_back(std::move(one));
  }
  out["edits"] = std::move(list);
  out["plan"] = WEFT_TRY(base::profile::parse_json(WEFT_TRY(services_.store->plan(number))));
  return base::http::Response::json(out);
}

Api::Answer Api::blame(const Request& request) {
  WEFT_TRY(may_read(request.identity));
  WEFT_TRY(only_query(request, {"branch", "revision"}));
  const auto& path = request.params.at("path");
  WEFT_TRY(store::valid_template_path(path));
  const auto branch = branch_of(request);
  const auto revision = WEFT_TRY(query_integer(request, "revision", 0, 0, max_revision));
  const auto blame = WEFT_TRY(build::blame(*services_.store, branch, revision, path));
  List lines, revisions;
  for (const auto& line : blame.lines) lines.emplace_back(Dict{{"text", line.text}, {"revision", line.revision}});
  for (const auto& [number, one] : blame.revisions) revisions.push_back(revision_json(one));
  return base::http::Response::json(
      Dict{{"branch", branch}, {"path", path}, {"lines", std::move(lines)}, {"revisions", std::move(revisions)}});
}

}  // namespace cdb::http
