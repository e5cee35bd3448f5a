#include "leaf/storage/inventory.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/crypto/crypto.h"

namespace leaf::storage {

using base::Errc;
using base::fail;
using base::Result;

namespace {

// Lists one directory into the inventory.
Result<> read_directory(Inventory& inventory, std::size_t index, const std::string& fs, Identities& identities) {
  Member& member = inventory.members[index];
  PoolServer& server = *member.server;
  const std::string& node = server.node().name;
  std::optional<std::string> known = WEFT_TRY(identities.known(node, fs));
  std::optional<std::string> there = WEFT_TRY(server.identity(fs));
  if (known && there != known) {
    return fail(Errc::corrupt,
                fmt::format("/pool/{} on {} {}", fs, node,
                            there ? "has another identity than the one on record" : "has lost its identity file"),
                "Is the disk mounted, and the right one? For a disk that was replaced on purpose: weft storage forget NODE FS");
  }
  if (!there) {
    // Never initialised. Anything in it would be foreign, and must not be taken for an empty pool.
    for (std::string_view folder : {"obj", "sum"}) {
      auto entries = server.list(fs, folder);
      if (entries && !entries->empty())
        return fail(Errc::corrupt, fmt::format("/pool/{}/{} on {} holds files but no identity", fs, folder, node));
      if (!entries && entries.error().code != Errc::not_found) return fail(std::move(entries.error()));
    }
    member.fresh.push_back(fs);
    member.used[fs] = 0;
    return {};
  }
  if (!known) WEFT_TRY(identities.record(node, fs, *there));
  std::int64_t used = 0;
  for (std::string_view folder : {"obj", "sum"}) {
    auto entries = server.list(fs, folder);
    if (!entries && entries.error().code == Errc::not_found) {
      return fail(Errc::corrupt, fmt::format("/pool/{}/{} on {} is gone, but its identity is there", fs, folder, node),
                  "Look at the file system: nothing is moved");
    }
    if (!entries) return fail(std::move(entries.error()));
    for (const Entry& entry : *entries) {
      auto& replicas = inventory.files[entry.name];
      auto at = std::find_if(replicas.begin(), replicas.end(), [&](const Replica& r) { return r.member == index && r.fs == fs; });
      if (at == replicas.end()) at = replicas.insert(replicas.end(), Replica{.member = index, .fs = fs});
      if (folder == "obj") {
        at->object = true;
        at->size = entry.size;
        used += entry.size;
      } else {
        at->sum = true;
      }
    }
  }
  member.used[fs] = used;
  return {};
}

}  // namespace

Result<Inventory> Inventory::read(const std::vector<fabric::Node>& nodes, std::string_view pool, std::string_view needed,
                                  bool strict, Identities& identities, const base::http::ClientOptions& tls) {
  Inventory inventory;
  for (const fabric::Node& node : nodes) {
    if (node.storage.get_string("driver") != "dirpool" || node.storage.get_string("pool") != pool) continue;
    PoolConfig config = WEFT_TRY(PoolConfig::of(node));
    Member member;
    member.domain = WEFT_TRY(PoolConfig::domain(config, node));
    member.serving = node.state == "production" || node.state.empty();
    member.server = std::make_unique<PoolServer>(node, config, tls);
    inventory.members.push_back(std::move(member));
  }
  if (inventory.members.empty()) return fail(Errc::not_found, fmt::format("no node is a member of pool '{}'", pool));
  if (!needed.empty() && inventory.find(needed) < 0)
    return fail(Errc::not_found, fmt::format("node {} is no member of pool '{}'", needed, pool));
  for (std::size_t i = 0; i < inventory.members.size(); ++i) {
    Member& member = inventory.members[i];
    const std::string& name = member.server->node().name;
    if (name != needed && !member.server->node().in_service()) {
      member.installed = false;
      for (const auto& [fs, capacity] : member.server->config().filesystems) {
        if (WEFT_TRY(identities.known(name, fs))) member.installed = true;
      }
      if (!member.installed) {
        member.serving = false;
        member.trouble = "not installed yet";
        continue;
      }
    }
    member.reachable = true;
    for (const auto& [fs, capacity] : member.server->config().filesystems) {
      auto read = read_directory(inventory, i, fs, identities);
      if (read) continue;
      if (name == needed || (strict && member.serving)) {
        base::Error error = std::move(read.error());
        if (name != needed && error.hint.empty())
          error.hint = fmt::format("To go on without the copies on {}, claim it: weft sms set quarantine REASON {}", name, name);
        return fail(std::move(error).during(fmt::format("reading what lies in pool '{}'", pool)));
      }
      member.reachable = false;
      member.trouble = read.error().message;
      break;
    }
    if (member.reachable) continue;
    // Half a listing is none.
    for (auto& [file, replicas] : inventory.files) std::erase_if(replicas, [&](const Replica& r) { return r.member == i; });
  }
  std::erase_if(inventory.files, [](const auto& item) { return item.second.empty(); });
  return inventory;
}

int Inventory::find(std::string_view node) const {
  for (std::size_t i = 0; i < members.size(); ++i) {
    if (members[i].server->node().name == node) return static_cast<int>(i);
  }
  return -1;
}

Result<std::string> Inventory::sum(const Replica& replica, const std::string& name) {
  if (!replica.sum)
    return fail(Errc::not_found, fmt::format("{} has no checksum on {}", name, members[replica.member].server->node().name));
  auto key = std::make_pair(replica.member, replica.fs + "/" + name);
  if (auto at = sums_.find(key); at != sums_.end()) return at->second;
  std::string text = WEFT_TRY(members[replica.member].server->get(replica.fs, "sum", name));
  auto parsed = parse_sum(text, name);
  if (!parsed) return fail(std::move(parsed.error()).during("reading it on " + members[replica.member].server->node().name));
  sums_[key] = *parsed;
  return *parsed;
}

Result<std::string> Inventory::read_verified(const Replica& replica, const std::string& name, std::string_view sha256) {
  std::string content = WEFT_TRY(members[replica.member].server->get(replica.fs, "obj", name));
  std::string found = base::crypto::sha256_hex(content);
  if (found != sha256) {
    return fail(Errc::corrupt,
                fmt::format("the copy of {} on {} is damaged: SHA-256 {} instead of {}", name,
                            members[replica.member].server->node().name, found.substr(0, 12), sha256.substr(0, 12)));
  }
  return content;
}

}  // namespace leaf::storage
