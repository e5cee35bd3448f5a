#include "leaf/storage/mover.h"

#include <fmt/format.h>

#include <algorithm>
#include <ctime>
#include <iomanip>
#include <optional>
#include <sstream>
#include <thread>

#include "base/crypto/crypto.h"
#include "base/diag/fail_point.h"
#include "base/profile/json.h"

namespace leaf::storage {

using base::Errc;
using base::fail;
using base::fail_point;
using base::Result;
using base::profile::Dict;
using base::profile::List;
using base::profile::Value;
using Clock = std::chrono::steady_clock;

namespace {

std::string temporary_name(const DrainRequest& request, std::string_view sha256) {
  return fmt::format("{}.{}-{}", request.idem_key, request.fence, sha256.substr(0, 16));
}

// Age of a file by the server's listing; absent when its time cannot be read.
std::optional<std::chrono::seconds> age_of(const Entry& entry) {
  std::tm parts{};
  std::istringstream in(entry.mtime);
  in >> std::get_time(&parts, "%a, %d %b %Y %H:%M:%S");
  if (in.fail()) return std::nullopt;
  auto then = std::chrono::system_clock::from_time_t(timegm(&parts));
  return std::chrono::duration_cast<std::chrono::seconds>(std::chrono::system_clock::now() - then);
}

}  // namespace

Result<> Mover::verify_upload(PoolServer& server, const std::string& fs, const std::string& temporary,
                              const std::string& sha256) {
  std::string back = WEFT_TRY(server.get(fs, "tmp", temporary));
  if (base::crypto::sha256_hex(back) == sha256) return {};
  return fail(Errc::corrupt, fmt::format("an upload to {} came back different", server.node().name),
              "Look at its disk, memory and network");
}

Result<> Mover::pace(std::int64_t bytes, const DrainRequest& request) {
  if (options_.bytes_per_second <= 0) return {};
  paced_bytes_ += bytes;
  auto due = started_ + std::chrono::milliseconds(paced_bytes_ * 1000 / options_.bytes_per_second);
  while (Clock::now() < due) {
    WEFT_TRY(request.may_act());
    std::this_thread::sleep_for(std::min<Clock::duration>(due - Clock::now(), std::chrono::milliseconds(500)));
  }
  return {};
}

Result<> Mover::clean(Inventory& inventory, const DrainRequest& request) {
  std::string ours = request.idem_key + ".", now = fmt::format("{}.{}-", request.idem_key, request.fence);
  for (Member& member : inventory.members) {
    if (!member.reachable) continue;
    for (const auto& [fs, used] : member.used) {
      auto entries = member.server->list(fs, "tmp");
      if (!entries && entries.error().code == Errc::not_found) continue;
      if (!entries) return fail(std::move(entries.error()));
      for (const Entry& entry : *entries) {
        auto age = age_of(entry);
        bool dead = entry.name.starts_with(ours) && !entry.name.starts_with(now);
        if (!dead && !(age && *age > options_.stale_upload)) continue;
        WEFT_TRY(request.may_act());
        WEFT_TRY(member.server->remove(fs, "tmp", entry.name));
      }
    }
  }
  return {};
}

Result<Mover::Target> Mover::choose(const Inventory& inventory, const std::string& name, std::int64_t size,
                                    const std::set<std::string>& taken, std::string_view avoid_domain,
                                    std::string_view avoid_node, const std::set<std::string>& failed) const {
  struct Candidate {
    bool other_domain;
    std::int64_t room;
    Target target;
  };
  std::optional<Candidate> best;
  auto replicas = inventory.files.find(name);
  for (std::size_t i = 0; i < inventory.members.size(); ++i) {
    const Member& member = inventory.members[i];
    const fabric::Node& node = member.server->node();
    if (!member.serving || !member.reachable || node.name == avoid_node || taken.count(member.domain) || failed.count(node.name))
      continue;
    bool has = replicas != inventory.files.end() && std::any_of(replicas->second.begin(), replicas->second.end(),
                                                                [&](const Replica& r) { return r.member == i && r.object; });
    if (has) continue;
    for (const auto& [fs, capacity] : member.server->config().filesystems) {
      // A twentieth stays free: a full file system fails in ways that are hard to undo.
      std::int64_t room = capacity - capacity / 20 - member.used.at(fs) - size;
      if (room < 0) continue;
      Candidate candidate{member.domain != avoid_domain, room, {i, fs}};
      if (!best || std::pair(candidate.other_domain, candidate.room) > std::pair(best->other_domain, best->room))
        best = candidate;
    }
  }
  if (best) return best->target;
  return fail(Errc::exhausted, fmt::format("no member in service has room for {} in a failure domain of its own", name),
              "Add members or space, or bring members back to production");
}

Result<Replica> Mover::upload(Inventory& inventory, const Target& target, const std::string& name, const std::string& content,
                              const std::string& sha256, const DrainRequest& request) {
  Member& member = inventory.members[target.member];
  PoolServer& server = *member.server;
  if (auto fresh = std::find(member.fresh.begin(), member.fresh.end(), target.fs); fresh != member.fresh.end()) {
    WEFT_TRY(request.may_act());
    std::string text =
        base::profile::to_json(Dict{{"node", server.node().name}, {"fs", target.fs}, {"id", base::crypto::random_token(12)}});
    std::string identity = WEFT_TRY(server.initialise(target.fs, text));
    WEFT_TRY(identities_.record(server.node().name, target.fs, identity));
    member.fresh.erase(fresh);
  }
  std::string temporary = temporary_name(request, sha256), temporary_sum = temporary + ".sum";
  WEFT_TRY(request.may_act());
  WEFT_TRY(server.put_temporary(target.fs, temporary, content));
  WEFT_TRY(fail_point("leaf.mover.copied"));
  auto same = verify_upload(server, target.fs, temporary, sha256);
  if (!same) {
    (void)server.remove(target.fs, "tmp", temporary);
    return fail(std::move(same.error()));
  }
  WEFT_TRY(fail_point("leaf.mover.verified"));
  WEFT_TRY(server.put_temporary(target.fs, temporary_sum, sum_text(sha256, name)));
  WEFT_TRY(request.may_act());
  // The checksum first: an object in place always has one. A taken name is fine when it is the same file, left by a worker before
  // us.
  auto moved = server.move(target.fs, temporary_sum, "sum", name);
  if (!moved && moved.error().code != Errc::conflict) return fail(std::move(moved.error()));
  if (!moved) {
    WEFT_TRY(server.remove(target.fs, "tmp", temporary_sum));
    std::string there = WEFT_TRY(parse_sum(WEFT_TRY(server.get(target.fs, "sum", name)), name));
    if (there != sha256) {
      (void)server.remove(target.fs, "tmp", temporary);
      return fail(Errc::corrupt, fmt::format("{} already has another file named {}", server.node().name, name),
                  "Two files with one name: compare them by hand");
    }
  }
  moved = server.move(target.fs, temporary, "obj", name);
  if (!moved && moved.error().code != Errc::conflict) return fail(std::move(moved.error()));
  Replica replica{
      .member = target.member, .fs = target.fs, .size = static_cast<std::int64_t>(content.size()), .object = true, .sum = true};
  if (!moved) {
    WEFT_TRY(server.remove(target.fs, "tmp", temporary));
    WEFT_TRY(inventory.read_verified(replica, name, sha256));
  }
  auto& replicas = inventory.files[name];
  std::erase_if(replicas, [&](const Replica& r) { return r.member == replica.member && r.fs == replica.fs; });
  replicas.push_back(replica);
  member.used[target.fs] += replica.size;
  return replica;
}

Result<Replica> Mover::place(Inventory& inventory, const std::string& name, const std::string& content, const std::string& sha256,
                             const std::set<std::string>& taken, std::string_view avoid_domain, const DrainRequest& request) {
  std::set<std::string> failed;
  for (;;) {
    auto target = choose(inventory, name, static_cast<std::int64_t>(content.size()), taken, avoid_domain, request.node, failed);
    if (!target) return fail(std::move(target.error()));
    auto replica = upload(inventory, *target, name, content, sha256, request);
    if (replica) return replica;
    WEFT_TRY(request.may_act());
    failed.insert(inventory.members[target->member].server->node().name);
    // The last refusal tells more than "no member": give it when nobody is left.
    auto other = choose(inventory, name, static_cast<std::int64_t>(content.size()), taken, avoid_domain, request.node, failed);
    if (!other) return fail(std::move(replica.error()));
  }
}

Result<std::string> Mover::true_sum(Inventory& inventory, const std::string& name, const std::vector<Replica>& replicas) {
  std::string sha;
  for (const Replica& replica : replicas) {
    if (!replica.sum || !inventory.members[replica.member].reachable) continue;
    std::string one = WEFT_TRY(inventory.sum(replica, name));
    if (!sha.empty() && one != sha)
      return fail(Errc::corrupt, "its copies have different checksums on record", "Compare the copies by hand");
    sha = one;
  }
  if (sha.empty())
    return fail(Errc::corrupt, "no copy has a checksum on record",
                "Check the file by hand, then store it again with: weft storage put");
  return sha;
}

Result<> Mover::move_file(Inventory& inventory, std::size_t source, const std::string& name, const DrainRequest& request) {
  std::vector<Replica> replicas = inventory.files[name];  // a copy: uploads change the list
  Member& from = inventory.members[source];
  bool object_here =
      std::any_of(replicas.begin(), replicas.end(), [&](const Replica& r) { return r.member == source && r.object; });
  if (object_here) {
    std::string sha = WEFT_TRY(true_sum(inventory, name, replicas));
    // Copies that count: in service elsewhere, read and compared now, one for each failure domain.
    std::set<std::string> domains;
    std::string content;
    bool have_content = false;
    for (const Replica& replica : replicas) {
      const Member& member = inventory.members[replica.member];
      if (replica.member == source || !member.serving || !member.reachable || !replica.object || !replica.sum) continue;
      auto read = inventory.read_verified(replica, name, sha);
      if (!read && read.error().code != Errc::corrupt) return fail(std::move(read.error()));
      if (!read) continue;
      WEFT_TRY(pace(static_cast<std::int64_t>(read->size()), request));
      domains.insert(member.domain);
      content = std::move(*read);
      have_content = true;
    }
    auto wanted = static_cast<std::size_t>(from.server->config().replicas);
    if (domains.size() < wanted && !have_content) {
      // Ours first, then any copy that can be read, whatever state its node is in.
      std::stable_sort(replicas.begin(), replicas.end(),
                       [&](const Replica& a, const Replica& b) { return (a.member == source) > (b.member == source); });
      for (const Replica& replica : replicas) {
        if (have_content || !replica.object || !inventory.members[replica.member].reachable) continue;
        auto read = inventory.read_verified(replica, name, sha);
        if (!read && read.error().code != Errc::corrupt) return fail(std::move(read.error()));
        if (!read) continue;
        content = std::move(*read);
        have_content = true;
      }
      if (!have_content)
        return fail(Errc::corrupt, "no good copy is left", "Restore it from a backup; the damaged copies are kept");
    }
    while (domains.size() < wanted) {
      Replica made = WEFT_TRY(place(inventory, name, content, sha, domains, from.domain, request));
      domains.insert(inventory.members[made.member].domain);
      WEFT_TRY(pace(static_cast<std::int64_t>(content.size()), request));
    }
  }
  for (const Replica& replica : replicas) {
    if (replica.member != source) continue;
    WEFT_TRY(fail_point("leaf.mover.before-delete"));
    WEFT_TRY(request.may_act());
    if (replica.object) {
      WEFT_TRY(from.server->remove(replica.fs, "obj", name));
      from.used[replica.fs] -= replica.size;
    }
    WEFT_TRY(from.server->remove(replica.fs, "sum", name));
  }
  std::erase_if(inventory.files[name], [&](const Replica& r) { return r.member == source; });
  return {};
}

Result<DrainStatus> Mover::drain(Inventory& inventory, const DrainRequest& request) {
  started_ = Clock::now();
  paced_bytes_ = 0;
  int at = inventory.find(request.node);
  if (at < 0) return fail(Errc::not_found, fmt::format("node {} is no member of the pool", request.node));
  auto source = static_cast<std::size_t>(at);
  if (inventory.members[source].serving) {
    return fail(Errc::unavailable,
                fmt::format("node {} is in production: new files could arrive while it is drained", request.node));
  }
  WEFT_TRY(clean(inventory, request));

  std::vector<std::pair<std::string, std::int64_t>> todo;
  for (const auto& [name, replicas] : inventory.files) {
    bool here = false;
    std::int64_t size = 0;
    for (const Replica& replica : replicas) {
      if (replica.member != source) continue;
      here = true;
      size = std::max(size, replica.size);
    }
    if (here) todo.emplace_back(name, size);
  }
  std::int64_t moved = request.progress.get_integer("moved"), moved_bytes = request.progress.get_integer("moved_bytes");
  std::size_t left = todo.size();
  std::int64_t left_bytes = 0;
  for (const auto& [name, size] : todo) left_bytes += size;
  List failed;
  std::size_t failures = 0;
  auto progress = [&] {
    return Value(Dict{{"files", moved + static_cast<std::int64_t>(left)},
                      {"bytes", moved_bytes + left_bytes},
                      {"moved", moved},
                      {"moved_bytes", moved_bytes},
                      {"remaining", static_cast<std::int64_t>(left)},
                      {"remaining_bytes", left_bytes},
                      {"failed", failed}});
  };
  auto saved = Clock::now();
  bool cut = false;
  for (const auto& [name, size] : todo) {
    if (Clock::now() - started_ > options_.slice) {
      cut = true;
      break;
    }
    auto gone = move_file(inventory, source, name, request);
    if (!gone) {
      // Not ours to go on: stopped, cancelled or replaced.
      WEFT_TRY(request.may_act());
      ++failures;
      if (failed.size() < 10) failed.emplace_back(Dict{{"name", name}, {"why", gone.error().message}});
      continue;
    }
    ++moved;
    --left;
    moved_bytes += size;
    left_bytes -= size;
    if (Clock::now() - saved > std::chrono::seconds(1)) {
      WEFT_TRY(request.save(progress()));
      saved = Clock::now();
    }
  }
  DrainStatus status;
  if (left == 0 && !cut) {
    // Believed only when the node itself lists nothing.
    for (const auto& [fs, used] : inventory.members[source].used) {
      const auto& fresh = inventory.members[source].fresh;
      if (std::find(fresh.begin(), fresh.end(), fs) != fresh.end()) continue;
      for (std::string_view folder : {"obj", "sum"}) {
        left += WEFT_TRY(inventory.members[source].server->list(fs, folder)).size();
      }
    }
    status.done = left == 0;
  }
  status.progress = progress();
  if (status.done) {
    status.message = fmt::format("drained: {} files, {} bytes moved, nothing left", moved, moved_bytes);
  } else if (failures > 0) {
    status.message =
        fmt::format("{} of {} files moved; {} cannot be moved: {}: {}", moved, moved + static_cast<std::int64_t>(left), failures,
                    failed.front().get_string("name"), failed.front().get_string("why"));
  } else {
    status.message =
        fmt::format("{} of {} files moved, {} bytes left", moved, moved + static_cast<std::int64_t>(left), left_bytes);
  }
  return status;
}

}  // namespace leaf::storage
