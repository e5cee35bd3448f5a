// What Builder does with branches: made, merged, picked from, reverted on, followed.
#include <algorithm>
#include <set>

#include <fmt/format.h>

#include "base/compress/compress.h"
#include "base/profile/canonical_diff.h"
#include "base/profile/json.h"
#include "base/text/text.h"
#include "cdb/build/attributes.h"
#include "cdb/build/branch.h"
#include "cdb/build/builder.h"
#include "cdb/build/inverse.h"
#include "cdb/build/trial.h"

namespace cdb::build {
namespace {

using base::Errc;
using base::fail;

constexpr int max_attempts = 5;
constexpr std::size_t max_moved = 100'000;  // nodes in one move
constexpr std::size_t batch_size = 256;     // profiles compared at once

base::Result<Files> files_of(const store::Store& store, std::string_view branch, std::int64_t revision,
                             std::string_view prefix = "") {
  Files out;
  for (const auto& file : WEFT_TRY(store.files(branch, revision, prefix, false))) out.emplace(file.path, file.hash);
  return out;
}

std::string first_line(std::string_view message) {
  return std::string(message.substr(0, message.find('\n')));
}

Outcome nothing_to_do(std::int64_t head) {
  Outcome out;
  out.revision = head;
  out.plan = Plan().json();
  return out;
}

// A revision's edits as two small trees: before and after it.
struct Step {
  Files before, after;
};
Step step_of(const std::vector<store::Edit>& edits) {
  Step out;
  for (const auto& edit : edits) {
    if (edit.before) out.before.emplace(edit.path, *edit.before);
    if (edit.after) out.after.emplace(edit.path, *edit.after);
  }
  return out;
}

Files only(const Files& files, const std::vector<store::Edit>& edits) {
  Files out;
  for (const auto& edit : edits) {
    if (const auto place = files.find(edit.path); place != files.end()) out.insert(*place);
  }
  return out;
}

// Claims are files of a branch. A node that takes another branch without them would be back in service, or out of it, unasked.
base::Result<> check_claims(const store::Store& store, const std::vector<store::NodeMove>& moves, const std::string& target) {
  const auto there = WEFT_TRY(files_of(store, target, 0, "sms"));
  std::map<std::string, Files> here;
  for (const auto& move : moves) {
    if (!here.contains(move.source)) here[move.source] = WEFT_TRY(files_of(store, move.source, 0, "sms"));
    const auto path = "sms/" + move.node + ".pan";
    const auto& left = here[move.source];
    const auto mine = left.find(path), theirs = there.find(path);
    const bool have = mine != left.end(), want = theirs != there.end();
    if (have == want && (!have || mine->second == theirs->second)) continue;
    return fail(
        Errc::conflict,
        fmt::format("node {} would change its claims: {} on branch {} {} {}", move.node, path, have ? move.source : target,
                    want && have ? "differs from the one on" : "is missing on", have ? target : move.source),
        fmt::format("let the claims end first, or bring the file over: weft template edit {} --branch {}", path, target));
  }
  return {};
}

// The plan of a move: what each node has now against what the target has for it.
base::Result<Plan> move_plan(const store::Store& store, const std::vector<store::NodeMove>& moves, rights::Check& check) {
  Plan plan;
  std::map<std::string, std::pair<store::Digest, store::Digest>> roots_of;
  for (std::size_t start = 0; start < moves.size(); start += batch_size) {
    const auto part = std::span(moves).subspan(start, std::min(batch_size, moves.size() - start));
    std::vector<store::Digest> roots;
    for (const auto& move : part) {
      roots.push_back(move.before);
      roots.push_back(move.after);
    }
    const auto data = WEFT_TRY(store.profiles(roots));
    for (std::size_t i = 0; i < part.size(); ++i) {
      if (part[i].before == part[i].after && check.idle()) continue;
      const auto before = WEFT_TRY(base::compress::unzstd(data[2 * i])),
                 after = WEFT_TRY(base::compress::unzstd(data[2 * i + 1]));
      const auto diff = WEFT_TRY(base::profile::diff_canonical(before, after));
      if (!check.idle()) {
        const auto now = node_attributes(WEFT_TRY(base::profile::parse_json(after)));
        const auto then = attributes_before(now, diff.changes);
        // Whoever takes a node from one branch to another decides which edits reach it from now on.
        check.removed({part[i].node, then});
        check.added({part[i].node, now});
        check.changed({part[i].node, then}, {part[i].node, now}, diff.changes);
      }
      if (part[i].before == part[i].after) continue;
      plan.changed(part[i].node, difference(diff.changes));
      roots_of.emplace(part[i].node, std::pair(part[i].before, part[i].after));
    }
  }
  for (auto* group : plan.largest()) {
    const auto& [old_root, new_root] = roots_of.at(group->nodes.front());
    const std::vector<store::Digest> both{old_root, new_root};
    const auto data = WEFT_TRY(store.profiles(both));
    const auto before = WEFT_TRY(base::profile::parse_json(WEFT_TRY(base::compress::unzstd(data[0]))));
    const auto after = WEFT_TRY(base::profile::parse_json(WEFT_TRY(base::compress::unzstd(data[1]))));
    group->effects = effects(group->difference.paths, before, after);
  }
  return plan;
}

}  // namespace

base::Result<Outcome> Builder::create_branch(store::NewBranch wanted, const store::Actor& author) {
  for (int i = 1;; ++i) {
    const auto head = WEFT_TRY(store_->head(wanted.source));
    if (wanted.source_revision > head || wanted.source_revision < 0) {
      return fail(Errc::invalid, fmt::format("branch {} has no revision {}", wanted.source, wanted.source_revision),
                  fmt::format("its newest is {}; weft template log --branch {} shows them", head, wanted.source));
    }
    auto branch = wanted;
    const bool newest = branch.source_revision == 0 || branch.source_revision == head;
    base::Result<Outcome> outcome;
    if (newest) {
      branch.source_revision = head;
      auto number = store_->create_branch(branch, author);
      if (number) {
        Outcome made;
        made.kind = Outcome::Kind::stored;
        made.revision = *number;
        made.plan = Plan().json();
        return made;
      }
      outcome = fail(std::move(number.error()));
    } else {
      Change change;
      change.branch = branch.name;
      change.author = author;
      change.message = fmt::format("Branch {} from {}@{}", branch.name, branch.source, branch.source_revision);
      for (auto& file : WEFT_TRY(store_->files(branch.source, branch.source_revision, "", true)))
        change.edits.push_back({std::move(file.path), std::move(file.content)});
      if (change.edits.empty())
        return fail(Errc::invalid, fmt::format("branch {} was empty at revision {}", branch.source, branch.source_revision),
                    "choose a later revision");
      Branch fresh(branch.name, store_);
      auto begun = fresh.begin(branch.source, head);
      if (begun) {
        // No node follows what has just been made: whatever is in it changes nothing yet.
        rights::Check free(nullptr, {author.kind, author.name}, {});
        Trial trial(fresh, *store_, free);
        trial.lay(change.edits);
        outcome = finish(fresh, trial, change, WEFT_TRY(policies_.current()).number, branch);
      } else {
        outcome = fail(std::move(begun.error()));
      }
    }
    if (outcome || outcome.error().code != Errc::conflict || i == max_attempts) return outcome;
    if (WEFT_TRY(store_->name_taken(wanted.name))) return outcome;  // trying again does not help
  }
}

base::Result<Outcome> Builder::send_merge(Change change, const std::function<base::Result<TreeMerge>(std::int64_t)>& merge) {
  for (int i = 1;; ++i) {
    const auto head = WEFT_TRY(store_->head(change.branch));
    auto merged = WEFT_TRY(merge(head));
    if (!merged.conflicts.empty()) {
      Outcome outcome;
      outcome.kind = Outcome::Kind::conflict;
      outcome.revision = head;
      outcome.conflicts = std::move(merged.conflicts);
      return outcome;
    }
    if (merged.edits.empty()) return nothing_to_do(head);
    change.base = head;
    change.edits = std::move(merged.edits);
    auto outcome = WEFT_TRY(this->change(change));
    if (outcome.kind == Outcome::Kind::conflict && i < max_attempts) continue;
    outcome.merged = std::move(merged.merged);
    return outcome;
  }
}

base::Result<Outcome> Builder::merge(const std::string& source, const std::string& target, std::string message, bool dry_run,
                                     const store::Actor& author) {
  if (source == target)
    return fail(Errc::invalid, "a branch cannot be merged into itself", "weft branch list shows the branches");
  Change change;
  change.branch = target;
  change.dry_run = dry_run;
  change.author = author;
  const auto source_head = WEFT_TRY(store_->head(source));
  WEFT_TRY(store_->head(target));
  change.merged = source;
  change.merged_revision = source_head;
  change.message = message.empty() ? fmt::format("Merge {}@{} into {}", source, source_head, target) : std::move(message);
  const auto theirs = WEFT_TRY(files_of(*store_, source, source_head));
  return send_merge(std::move(change), [&](std::int64_t head) -> base::Result<TreeMerge> {
    const auto base = WEFT_TRY(common_base(WEFT_TRY(store_->descent()), source, source_head, target, head));
    return merge_trees(*store_, {.base = WEFT_TRY(files_of(*store_, base.branch, base.revision)),
                                 .mine = WEFT_TRY(files_of(*store_, target, head)),
                                 .theirs = theirs,
                                 .base_name = fmt::format("{}@{}", base.branch, base.revision),
                                 .mine_name = fmt::format("{}@{}", target, head),
                                 .theirs_name = fmt::format("{}@{}", source, source_head),
                                 .branch = source,
                                 .revision = source_head});
  });
}

base::Result<Outcome> Builder::cherry_pick(std::int64_t number, const std::string& target, std::string message, bool dry_run,
                                           const store::Actor& author) {
  const auto revision = WEFT_TRY(store_->revision(number));
  const auto edits = WEFT_TRY(store_->edits(number));
  if (edits.empty())
    return fail(Errc::invalid, fmt::format("revision {} changed no template", number),
                fmt::format("weft template log {} shows what it did", number));
  if (revision.parent == 0)
    return fail(Errc::invalid, fmt::format("revision {} began branch {}: it is the whole tree", number, revision.branch),
                "merge the branch instead, or pick a later revision");
  Change change;
  change.branch = target;
  change.dry_run = dry_run;
  change.author = author;
  change.message = message.empty()
                       ? fmt::format("Cherry-pick {} of {}: {}", number, revision.branch, first_line(revision.message))
                       : std::move(message);
  const auto step = step_of(edits);
  return send_merge(std::move(change), [&](std::int64_t head) -> base::Result<TreeMerge> {
    return merge_trees(*store_, {.base = step.before,
                                 .mine = only(WEFT_TRY(files_of(*store_, target, head)), edits),
                                 .theirs = step.after,
                                 .base_name = fmt::format("before {}", number),
                                 .mine_name = fmt::format("{}@{}", target, head),
                                 .theirs_name = fmt::format("{}@{}", revision.branch, number),
                                 .branch = revision.branch,
                                 .revision = number});
  });
}

base::Result<Outcome> Builder::revert(std::int64_t number, std::string message, bool dry_run, const store::Actor& author) {
  const auto revision = WEFT_TRY(store_->revision(number));
  const auto edits = WEFT_TRY(store_->edits(number));
  if (edits.empty()) {
    std::string nodes, source;
    for (const auto& move : WEFT_TRY(store_->moved_in(number))) {
      source = move.source;
      if (nodes.size() < 200) nodes += " " + move.node;
    }
    return fail(Errc::invalid,
                fmt::format("revision {} moved nodes to branch {} and changed no template", number, revision.branch),
                fmt::format("move them back: weft node move{} --branch {}", nodes, source));
  }
  if (revision.parent == 0 && revision.branch != "main")
    return fail(Errc::invalid, fmt::format("revision {} began branch {}", number, revision.branch),
                "delete the branch: weft branch delete " + revision.branch);
  Change change;
  change.branch = revision.branch;
  change.dry_run = dry_run;
  change.author = author;
  change.reverts = number;
  change.message =
      message.empty() ? fmt::format("Revert revision {}: {}", number, first_line(revision.message)) : std::move(message);
  const auto step = step_of(edits);
  auto outcome = WEFT_TRY(send_merge(std::move(change), [&](std::int64_t head) -> base::Result<TreeMerge> {
    return merge_trees(*store_, {.base = step.after,
                                 .mine = only(WEFT_TRY(files_of(*store_, revision.branch, head)), edits),
                                 .theirs = step.before,
                                 .base_name = fmt::format("{}@{}", revision.branch, number),
                                 .mine_name = fmt::format("{}@{}", revision.branch, head),
                                 .theirs_name = fmt::format("before {}", number),
                                 .branch = revision.branch,
                                 .revision = head});
  }));
  if (outcome.kind == Outcome::Kind::planned || outcome.kind == Outcome::Kind::stored) {
    outcome.plan["not_inverse"] = not_inverse(WEFT_TRY(base::profile::parse_json(WEFT_TRY(store_->plan(number)))), outcome.plan);
  }
  return outcome;
}

base::Result<Outcome> Builder::move(const std::vector<std::string>& nodes, const std::string& target,
                                    std::optional<std::int64_t> base, std::string message, bool dry_run,
                                    const store::Actor& author) {
  if (nodes.empty()) return fail(Errc::invalid, "no node is named", "name the nodes that are to follow the branch");
  if (nodes.size() > max_moved)
    return fail(Errc::exhausted, fmt::format("at most {} nodes move at once", max_moved), "move them in parts");
  for (int i = 1;; ++i) {
    const auto head = WEFT_TRY(store_->head(target));
    if (base && *base != head)
      return fail(Errc::conflict, fmt::format("branch {} is at revision {}; the plan was made for {}", target, head, *base),
                  "look at the plan again");
    const auto moves = WEFT_TRY(store_->moves(nodes, target));
    if (moves.empty()) return nothing_to_do(head);
    WEFT_TRY(check_claims(*store_, moves, target));
    const auto policy = WEFT_TRY(policies_.current());
    rights::Check check(policy.policy, {author.kind, author.name}, {});
    const auto plan = WEFT_TRY(move_plan(*store_, moves, check));
    Outcome outcome;
    outcome.revision = head;
    outcome.plan = plan.json();
    outcome.plan["branch"] = target;
    outcome.plan["followers"] = plan.nodes();
    base::profile::List moved;
    for (const auto& move : moves) moved.emplace_back(base::profile::Dict{{"node", move.node}, {"from", move.source}});
    outcome.plan["moves"] = std::move(moved);
    outcome.rights = check.report();
    outcome.kind = Outcome::Kind::planned;
    if (dry_run) return outcome;
    if (!outcome.rights.allowed() || !outcome.rights.approved()) {
      outcome.kind = Outcome::Kind::denied;
      return outcome;
    }
    std::vector<store::Digest> roots;
    for (const auto& move : moves) {
      if (move.before != move.after) roots.push_back(move.after);
    }
    const auto data = WEFT_TRY(store_->profiles(roots));
    std::vector<Fresh> fresh;
    for (std::size_t n = 0; n < roots.size(); ++n) fresh.push_back({roots[n], data[n]});
    WEFT_TRY(publish_(fresh));
    auto number = store_->move_nodes(target, head, moves, message, base::profile::to_json(outcome.plan), author, policy.number);
    if (!number && number.error().code == Errc::conflict && i < max_attempts) continue;
    outcome.revision = WEFT_TRY(std::move(number));
    outcome.kind = Outcome::Kind::stored;
    return outcome;
  }
}

}  // namespace cdb::build
