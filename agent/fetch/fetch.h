// Gets the node's profile from the server and believes it only after checking: signature by the pinned key, node name, revision
// not older than the newest ever accepted, Merkle root of the content equal to the signed root. Used by agent/run.
// Single-threaded.
#pragma once

#include <atomic>
#include <chrono>

#include "agent/fetch/cache.h"
#include "base/http/client.h"

namespace agent::fetch {

struct Server {
  std::string url;
  std::string node;
  std::filesystem::path identity;  // folder with node.crt, node.key, ca.crt, signing.pub
};

// A node name that can stand in a URL and a subject: letters, digits, dots, dashes, underscores.
base::Result<> check_node_name(std::string_view node);
base::Result<base::http::Client> connect(const Server& server);

struct Fetched {
  bool changed = false;  // the cache holds a new current profile
  Manifest manifest;     // of the current one
};

// Asks for what differs from the cached current profile; a new one is verified and stored.
base::Result<Fetched> fetch_profile(base::http::Client& client, const Server& server, const Cache& cache,
                                    const std::atomic<bool>* cancel = nullptr);

// Waits until the server wants another root than `root`. False: the time was up.
base::Result<bool> wait_for_change(base::http::Client& client, const Server& server, const std::string& root,
                                   std::chrono::seconds timeout, const std::atomic<bool>* cancel = nullptr);

}  // namespace agent::fetch
