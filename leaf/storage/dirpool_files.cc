// The operations of people on a pool: put, get, list, check.
#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "base/crypto/crypto.h"
#include "leaf/storage/dirpool.h"

namespace leaf::storage {

using base::Errc;
using base::fail;
using base::Result;
using base::profile::Dict;
using base::profile::List;
using base::profile::Value;

Result<std::vector<std::string>> Dirpool::pools() {
  std::set<std::string> names;
  for (const fabric::Node& node : WEFT_TRY(fabric_->nodes())) {
    if (node.storage.get_string("driver") == "dirpool" && !node.storage.get_string("pool").empty())
      names.emplace(node.storage.get_string("pool"));
  }
  return std::vector<std::string>(names.begin(), names.end());
}

Result<Value> Dirpool::put(std::string_view pool, const std::string& name, const std::string& content) {
  WEFT_TRY(valid_name(name));
  if (content.size() > object_limit) return fail(Errc::exhausted, "the file is larger than 256 MB");
  std::string sha = base::crypto::sha256_hex(content);
  DrainRequest request;
  request.idem_key = "put-" + base::crypto::random_token(9);
  request.may_act = [] { return Result<>(); };
  List places;
  // The second round is for a member that left production while we wrote to it: its copy does not count any more.
  for (int round = 0; round < 3; ++round) {
    Inventory all = WEFT_TRY(inventory(pool, "", true));
    auto wanted = static_cast<std::size_t>(all.members.front().server->config().replicas);
    std::set<std::string> domains;
    places = {};
    for (const Replica& replica : all.files[name]) {
      if (!replica.sum || !all.members[replica.member].reachable) continue;
      if (WEFT_TRY(all.sum(replica, name)) != sha) {
        return fail(Errc::conflict, fmt::format("pool '{}' already holds another file named {}", pool, name),
                    "Files are written once: choose another name");
      }
      if (!replica.object || !all.members[replica.member].serving) continue;
      if (!all.read_verified(replica, name, sha)) continue;
      domains.insert(all.members[replica.member].domain);
      places.push_back(all.members[replica.member].server->node().name);
    }
    if (domains.size() >= wanted)
      return Value(
          Dict{{"name", name}, {"size", static_cast<std::int64_t>(content.size())}, {"sha256", sha}, {"copies", places}});
    Mover mover(*identities_, options_);
    while (domains.size() < wanted) {
      auto made = mover.place(all, name, content, sha, domains, "", request);
      if (!made)
        return fail(std::move(made.error())
                        .during(fmt::format("storing {} ({} of {} copies are written)", name, domains.size(), wanted)));
      domains.insert(all.members[made->member].domain);
    }
  }
  return fail(Errc::unavailable, fmt::format("members of pool '{}' keep leaving production while {} is written", pool, name),
              "Try again");
}

Result<std::string> Dirpool::get(std::string_view pool, const std::string& name) {
  WEFT_TRY(valid_name(name));
  Inventory all = WEFT_TRY(inventory(pool, "", false));
  auto at = all.files.find(name);
  base::Error last{
      Errc::not_found, fmt::format("pool '{}' holds no file named {}", pool, name), "List them with: weft storage list", {}};
  if (at == all.files.end()) {
    for (const Member& member : all.members) {
      if (!member.reachable) last.message += fmt::format(" ({} does not answer)", member.server->node().name);
    }
    return fail(std::move(last));
  }
  for (const Replica& replica : at->second) {
    if (!replica.object || !replica.sum) continue;
    auto sha = all.sum(replica, name);
    if (!sha) {
      last = sha.error();
      continue;
    }
    auto content = all.read_verified(replica, name, *sha);
    if (content) return content;
    last = content.error();
  }
  return fail(std::move(last));
}

Result<Value> Dirpool::list(std::string_view pool) {
  Inventory all = WEFT_TRY(inventory(pool, "", false));
  List files, unreachable;
  for (const auto& [name, replicas] : all.files) {
    List nodes;
    std::int64_t size = 0;
    for (const Replica& replica : replicas) {
      if (!replica.object) continue;
      size = replica.size;
      nodes.push_back(all.members[replica.member].server->node().name);
    }
    files.emplace_back(Dict{{"name", name}, {"size", size}, {"nodes", std::move(nodes)}});
  }
  List members;
  for (const Member& member : all.members) {
    const fabric::Node& node = member.server->node();
    if (!member.reachable && member.installed) unreachable.push_back(node.name);
    Dict used;
    for (const auto& [fs, bytes] : member.used)
      used.emplace(fs, Dict{{"used", bytes}, {"capacity", member.server->config().filesystems.at(fs)}});
    members.emplace_back(Dict{{"node", node.name},
                              {"state", node.state},
                              {"failure_domain", member.domain},
                              {"reachable", member.reachable},
                              {"trouble", member.trouble},
                              {"filesystems", std::move(used)}});
  }
  return Value(Dict{
      {"pool", pool}, {"files", std::move(files)}, {"members", std::move(members)}, {"unreachable", std::move(unreachable)}});
}

Result<Value> Dirpool::check(std::string_view pool) {
  Inventory all = WEFT_TRY(inventory(pool, "", false));
  List problems, unreachable;
  std::int64_t copies = 0;
  for (const Member& member : all.members) {
    if (!member.reachable && member.installed)
      unreachable.push_back(
          Dict{{"node", member.server->node().name}, {"why", member.trouble}, {"state", member.server->node().state}});
  }
  for (const auto& [name, replicas] : all.files) {
    std::set<std::string> domains, sums;
    List where;
    std::vector<std::string> faults;
    std::size_t good = 0;
    for (const Replica& replica : replicas) {
      const Member& member = all.members[replica.member];
      const std::string& node = member.server->node().name;
      if (!replica.object) {
        faults.push_back("checksum without a file on " + node);
        continue;
      }
      ++copies;
      where.push_back(node);
      if (!replica.sum) {
        faults.push_back("no checksum on " + node);
        continue;
      }
      auto sha = all.sum(replica, name);
      if (!sha) {
        faults.push_back(sha.error().message + " on " + node);
        continue;
      }
      sums.insert(*sha);
      auto content = all.read_verified(replica, name, *sha);
      if (!content) {
        faults.push_back((content.error().code == Errc::corrupt ? "corrupt on " : "unreadable on ") + node);
        continue;
      }
      if (!member.serving) continue;
      ++good;
      domains.insert(member.domain);
    }
    auto wanted = static_cast<std::size_t>(all.members.front().server->config().replicas);
    if (sums.size() > 1) faults.push_back("copies differ");
    if (domains.size() < wanted)
      faults.push_back(fmt::format("under-replicated: {} of {} failure domains in service", domains.size(), wanted));
    if (good > wanted) faults.push_back(fmt::format("over-replicated: {} copies, {} wanted", good, wanted));
    for (std::string& fault : faults)
      problems.emplace_back(Dict{{"name", name}, {"problem", std::move(fault)}, {"copies", where}});
  }
  return Value(Dict{{"pool", pool},
                    {"files", static_cast<std::int64_t>(all.files.size())},
                    {"copies", copies},
                    {"problems", std::move(problems)},
                    {"complete", unreachable.empty()},
                    {"unreachable", std::move(unreachable)}});
}

}  // namespace leaf::storage
