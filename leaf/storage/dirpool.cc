#include "leaf/storage/dirpool.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

namespace leaf::storage {

using base::Errc;
using base::fail;
using base::Result;
using base::pg::Rows;
using base::pg::Transaction;
using base::profile::Dict;
using base::profile::Value;

Result<std::optional<std::string>> PgIdentities::known(std::string_view node, std::string_view fs) {
  Transaction tx = WEFT_TRY(pool_->begin());
  Rows rows = WEFT_TRY(tx.exec("SELECT identity FROM leaf.pool_directory WHERE node = $1 AND fs = $2", {node, fs}));
  if (rows.empty()) return std::optional<std::string>();
  return std::optional<std::string>(rows.text(0, 0));
}

Result<> PgIdentities::record(std::string_view node, std::string_view fs, std::string_view identity) {
  return pool_->run([&](Transaction& tx) -> Result<> {
    WEFT_TRY(tx.exec("INSERT INTO leaf.pool_directory (node, fs, identity) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING",
                     {node, fs, identity}));
    return {};
  });
}

Result<> PgIdentities::forget(std::string_view node, std::string_view fs) {
  Result<> verdict;
  WEFT_TRY(pool_->run([&](Transaction& tx) -> Result<> {
    Rows rows = WEFT_TRY(tx.exec("DELETE FROM leaf.pool_directory WHERE node = $1 AND fs = $2", {node, fs}));
    verdict = {};
    if (rows.affected() == 0) verdict = fail(Errc::not_found, fmt::format("no directory {} of {} is on record", fs, node));
    return {};
  }));
  return verdict;
}

Result<Inventory> Dirpool::inventory(std::string_view pool, std::string_view needed, bool strict) {
  std::vector<fabric::Node> nodes = WEFT_TRY(fabric_->nodes());
  return Inventory::read(nodes, pool, needed, strict, *identities_, tls_);
}

Result<Answer> Dirpool::estimate(const fabric::Node& node) {
  PoolConfig config = WEFT_TRY(PoolConfig::of(node));
  Inventory all = WEFT_TRY(inventory(config.pool, node.name, true));
  auto source = static_cast<std::size_t>(all.find(node.name));
  std::int64_t files = 0, bytes = 0, room = 0;
  for (const auto& [name, replicas] : all.files) {
    for (const Replica& replica : replicas) {
      if (replica.member != source || !replica.object) continue;
      ++files;
      bytes += replica.size;
    }
  }
  std::set<std::string> domains;
  for (std::size_t i = 0; i < all.members.size(); ++i) {
    const Member& member = all.members[i];
    if (i == source || !member.serving || !member.reachable) continue;
    domains.insert(member.domain);
    for (const auto& [fs, capacity] : member.server->config().filesystems)
      room += std::max<std::int64_t>(0, capacity - capacity / 20 - member.used.at(fs));
  }
  Answer answer;
  answer.detail =
      Dict{{"files", files}, {"bytes", bytes}, {"room", room}, {"failure_domains", static_cast<std::int64_t>(domains.size())}};
  answer.yes = files == 0 || (static_cast<int>(domains.size()) >= config.replicas && bytes <= room);
  if (files == 0) {
    answer.why = fmt::format("{} holds no files", node.name);
  } else if (static_cast<int>(domains.size()) < config.replicas) {
    answer.why = fmt::format("{} copies need {} failure domains ({}) in service besides {}, there are {}", config.replicas,
                             config.replicas, config.failure_domain, node.name, domains.size());
  } else if (bytes > room) {
    answer.why = fmt::format("{} bytes must go, the other members have room for {}", bytes, room);
  } else {
    answer.why = fmt::format("{} files, {} bytes to move", files, bytes);
  }
  return answer;
}

// Nothing to prepare: the node's state already keeps new files away, and drain_status reads everything anew.
Result<> Dirpool::drain_start(const DrainRequest&) {
  return {};
}

Result<DrainStatus> Dirpool::drain_status(const DrainRequest& request) {
  fabric::Node node = WEFT_TRY(fabric_->node(request.node));
  PoolConfig config = WEFT_TRY(PoolConfig::of(node));
  Inventory all = WEFT_TRY(inventory(config.pool, request.node, true));
  Mover mover(*identities_, options_);
  return mover.drain(all, request);
}

Result<> Dirpool::drain_cancel(const DrainRequest& request) {
  fabric::Node node = WEFT_TRY(fabric_->node(request.node));
  PoolConfig config = WEFT_TRY(PoolConfig::of(node));
  // Copies already made stay: they are good ones. Only uploads that were under way are removed.
  Inventory all = WEFT_TRY(inventory(config.pool, "", false));
  DrainRequest newer = request;
  newer.fence = -1;  // no worker has this one, so all uploads of this drain are left-overs
  Mover mover(*identities_, options_);
  return mover.clean(all, newer);
}

Result<Answer> Dirpool::ok_to_stop(const fabric::Node& node) {
  PoolConfig config = WEFT_TRY(PoolConfig::of(node));
  Inventory all = WEFT_TRY(inventory(config.pool, node.name, true));
  auto source = static_cast<std::size_t>(all.find(node.name));
  std::int64_t files = 0, alone = 0;
  std::string first;
  for (const auto& [name, replicas] : all.files) {
    auto here = std::find_if(replicas.begin(), replicas.end(), [&](const Replica& r) { return r.member == source && r.object; });
    if (here == replicas.end()) continue;
    ++files;
    bool elsewhere = false;
    for (const Replica& replica : replicas) {
      const Member& member = all.members[replica.member];
      if (elsewhere || replica.member == source || !member.serving || !member.reachable || !replica.object || !replica.sum)
        continue;
      if (replica.size != here->size) continue;
      std::string sha = WEFT_TRY(all.sum(replica, name));
      elsewhere = all.read_verified(replica, name, sha).has_value();
    }
    if (elsewhere) continue;
    if (alone++ == 0) first = name;
  }
  Answer answer{.yes = alone == 0, .detail = Dict{{"files", files}, {"only_here", alone}}};
  answer.why = answer.yes
                   ? fmt::format("ok to stop: each of its {} files has a good copy in service elsewhere", files)
                   : fmt::format("{} of its {} files have no good copy in service elsewhere, {} is one", alone, files, first);
  return answer;
}

Result<Answer> Dirpool::safe_to_destroy(const fabric::Node& node) {
  PoolConfig config = WEFT_TRY(PoolConfig::of(node));
  Inventory all = WEFT_TRY(inventory(config.pool, node.name, true));
  auto source = static_cast<std::size_t>(all.find(node.name));
  std::int64_t files = 0;
  for (const auto& [name, replicas] : all.files) {
    files += std::count_if(replicas.begin(), replicas.end(), [&](const Replica& r) { return r.member == source; });
  }
  Answer answer{.yes = files == 0 && !all.members[source].serving, .detail = Dict{{"files", files}}};
  answer.why = all.members[source].serving ? fmt::format("{} is in production: files may arrive at any time", node.name)
               : files == 0                ? fmt::format("safe to destroy: no file is left on {}", node.name)
                                           : fmt::format("{} files are still on {}", files, node.name);
  return answer;
}

Result<Answer> Dirpool::verify(const fabric::Node& node) {
  PoolConfig config = WEFT_TRY(PoolConfig::of(node));
  Inventory all = WEFT_TRY(inventory(config.pool, node.name, false));
  auto source = static_cast<std::size_t>(all.find(node.name));
  std::int64_t files = 0, read = 0;
  for (const auto& [name, replicas] : all.files) {
    for (const Replica& replica : replicas) {
      if (replica.member != source || !replica.object) continue;
      ++files;
      if (read >= 100) continue;  // a sample proves the disk readable; weft storage check reads all
      auto whole = all.read_verified(replica, name, WEFT_TRY(all.sum(replica, name)));
      if (!whole) return Answer{.yes = false, .why = whole.error().message};
      ++read;
    }
  }
  return Answer{.yes = true,
                .why = fmt::format("its {} data directories answer with their own identity, {} of {} files read and compared",
                                   config.filesystems.size(), read, files),
                .detail = Dict{{"files", files}, {"read", read}}};
}

Result<std::string> Dirpool::return_start(const fabric::Node& node) {
  return fmt::format("{} may receive new files again", node.name);
}

}  // namespace leaf::storage
