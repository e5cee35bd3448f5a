// Thousands of agents in one process, each with a certificate and a TLS connection of its own. Run by tests/bench/agents.
//
//   agents wait URL CA_FOLDER NODES        NODES: a file with a name per line. Every node waits for its desired root, fetches and
//                                          verifies it (signature, Merkle root), and waits again. Prints "ready" when all hold a
//                                          first root, then on each line "REVISION" read from stdin: how long after now, which
//                                          it takes as the commit's beginning, the nodes held that revision or a newer one.
//   agents get URL CA_FOLDER NODES SECONDS THREADS [PATH]   how many GETs a second of profiles (or PATH) get through
#include <pthread.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <fstream>
#include <iostream>
#include <mutex>
#include <thread>

#include "agent/fetch/fetch.h"
#include "base/crypto/crypto.h"
#include "base/file/file.h"
#include "base/profile/hash.h"
#include "base/profile/json.h"

namespace {

using Clock = std::chrono::steady_clock;
namespace fs = std::filesystem;

constexpr std::size_t kStack = 256u << 10;
constexpr std::chrono::seconds kWait{50};

[[noreturn]] void stop(const std::string& why) {
  std::fprintf(stderr, "bench agents: %s\n", why.c_str());
  std::exit(1);
}

template <class T>
T must(base::Result<T> result) {
  if (!result) stop(result.error().text());
  return std::move(*result);
}

struct Agent {
  agent::fetch::Server server;
  std::atomic<std::int64_t> revision{0};
  std::atomic<std::int64_t> held_at{0};  // nanoseconds of the steady clock
  std::atomic<int> troubles{0};
};

std::string signing_key;
std::atomic<bool> over{false};

// The certificate is made here by the server's authority, as enrolling thousands would measure that.
void equip(Agent& agent, const base::crypto::Authority& authority, const fs::path& folder, const std::string& ca) {
  agent.server.identity = folder / agent.server.node;
  if (!base::file::make_folders(agent.server.identity)) stop("cannot make " + agent.server.identity.string());
  const base::crypto::Subject subject{"node", agent.server.node};
  const auto request = must(base::crypto::make_request(subject));
  const auto certificate = must(authority.sign(request.csr_pem, subject, std::chrono::hours(24)));
  base::file::WriteOptions quick;
  quick.durable = false;
  quick.mode = 0600;
  for (const auto& [name, content] : {std::pair<const char*, const std::string&>{"node.crt", certificate},
                                      {"node.key", request.key_pem},
                                      {"ca.crt", ca},
                                      {"signing.pub", signing_key}}) {
    if (!base::file::write_atomic(agent.server.identity / name, content, quick)) stop("cannot write certificates");
  }
}

// What the real agent does but for its disk: get, check the signature, the revision and the content.
bool fetch(base::http::Client& client, Agent& agent, std::string& root) {
  base::http::ClientRequest request;
  request.path = "/v1/profile/" + agent.server.node;
  auto response = base::http::expect_ok(client.send(request));
  if (!response || response->status != 200) return false;
  const auto manifest = agent::fetch::parse_manifest(response->headers["weft-manifest"]);
  if (!manifest || !agent::fetch::verify_manifest(*manifest, agent.server.node, signing_key)) return false;
  const auto value = base::profile::parse_json(response->body);
  if (!value || base::profile::merkle(*value).hex() != manifest->root)
    stop(agent.server.node + ": content and signed root differ");
  if (manifest->revision < agent.revision) stop(agent.server.node + ": the server offers an older revision");
  root = manifest->root;
  agent.held_at = Clock::now().time_since_epoch().count();
  agent.revision = manifest->revision;
  return true;
}

void* live(void* argument) {
  Agent& agent = *static_cast<Agent*>(argument);
  auto client = must(agent::fetch::connect(agent.server));
  std::string root;
  while (!over) {
    if (root.empty() && !fetch(client, agent, root)) {
      ++agent.troubles;
      std::this_thread::sleep_for(std::chrono::milliseconds(500));
      continue;
    }
    const auto news = agent::fetch::wait_for_change(client, agent.server, root, kWait, &over);
    if (!news) {
      ++agent.troubles;
      std::this_thread::sleep_for(std::chrono::milliseconds(500));
    } else if (*news) {
      root.clear();
    }
  }
  return nullptr;
}

std::vector<std::unique_ptr<Agent>> agents_of(const std::string& url, const fs::path& ca_folder, const std::string& list,
                                              const fs::path& folder) {
  const base::crypto::Authority authority{must(base::file::read(ca_folder / "ca.key")),
                                          must(base::file::read(ca_folder / "ca.crt"))};
  signing_key = must(base::crypto::ed25519_public(must(base::file::read(ca_folder / "profile-signing.key"))));
  std::vector<std::unique_ptr<Agent>> agents;
  std::ifstream names(list);
  for (std::string name; std::getline(names, name);) {
    agents.push_back(std::make_unique<Agent>());
    agents.back()->server.url = url;
    agents.back()->server.node = name;
    equip(*agents.back(), authority, folder, authority.certificate_pem);
  }
  if (agents.empty()) stop(list + " names no nodes");
  return agents;
}

double since(std::int64_t begin, std::int64_t end) {
  return static_cast<double>(end - begin) / 1e9;
}

int wait(std::vector<std::unique_ptr<Agent>>& agents) {
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  pthread_attr_setstacksize(&attributes, kStack);
  for (auto& agent : agents) {
    pthread_t thread;
    if (pthread_create(&thread, &attributes, live, agent.get()) != 0) stop("cannot start a thread for each node");
    pthread_detach(thread);
    // A site does not switch on within a second.
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  const auto holding = [&](std::int64_t revision) {
    return static_cast<std::size_t>(
        std::count_if(agents.begin(), agents.end(), [&](const auto& agent) { return agent->revision >= revision; }));
  };
  while (holding(1) < agents.size()) std::this_thread::sleep_for(std::chrono::milliseconds(100));
  std::printf("ready\n");
  std::fflush(stdout);
  for (std::string line; std::getline(std::cin, line);) {
    // "REVISION NANOSECONDS": the commit and when it was sent, by the steady clock.
    std::int64_t revision = 0, begin = 0;
    if (std::sscanf(line.c_str(), "%ld %ld", &revision, &begin) != 2) stop("what is '" + line + "'?");
    const auto limit = Clock::now() + std::chrono::seconds(120);
    while (holding(revision) < agents.size() && Clock::now() < limit) std::this_thread::sleep_for(std::chrono::milliseconds(20));
    std::vector<double> times;
    int troubles = 0;
    for (const auto& agent : agents) {
      if (agent->revision >= revision) times.push_back(since(begin, agent->held_at));
      troubles += agent->troubles.exchange(0);
    }
    std::sort(times.begin(), times.end());
    const auto at = [&](double share) {
      const auto index = static_cast<std::size_t>(share * static_cast<double>(agents.size()));
      return index < times.size() ? times[index] : -1.0;
    };
    std::printf("held %zu median %.3f p99 %.3f last %.3f troubles %d\n", times.size(), at(0.5), at(0.99),
                times.empty() ? -1.0 : times.back(), troubles);
    std::fflush(stdout);
  }
  std::_Exit(0);  // thousands of long polls end with the process
}

int get(std::vector<std::unique_ptr<Agent>>& agents, int seconds, int threads, const std::string& path) {
  std::atomic<std::int64_t> done{0}, failed{0}, bytes{0};
  std::vector<std::thread> all;
  const auto end = Clock::now() + std::chrono::seconds(seconds);
  for (int i = 0; i < threads; ++i) {
    all.emplace_back([&, i] {
      auto& agent = *agents[static_cast<std::size_t>(i) % agents.size()];
      auto client = must(agent::fetch::connect(agent.server));
      base::http::ClientRequest request;
      request.path = path.empty() ? "/v1/profile/" + agent.server.node : path;
      while (Clock::now() < end) {
        const auto response = client.send(request);
        if (response && response->status == 200) {
          ++done;
          bytes += static_cast<std::int64_t>(response->body.size());
        } else {
          ++failed;
        }
      }
    });
  }
  for (auto& thread : all) thread.join();
  std::printf("get %.0f failed %ld bytes %ld\n", static_cast<double>(done) / seconds, failed.load(), done ? bytes / done : 0);
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  const std::string verb = argc > 1 ? argv[1] : "";
  if ((verb != "wait" || argc != 5) && (verb != "get" || argc < 7 || argc > 8)) {
    std::fprintf(stderr, "usage: agents wait URL CA_FOLDER NODES | agents get URL CA_FOLDER NODES SECONDS THREADS [PATH]\n");
    return 2;
  }
  const fs::path folder = fs::path("/dev/shm") / ("weft-bench-agents." + std::to_string(::getpid()));
  auto agents = agents_of(argv[2], argv[3], argv[4], folder);
  if (verb == "get") {
    const int code = get(agents, std::atoi(argv[5]), std::atoi(argv[6]), argc == 8 ? argv[7] : "");
    fs::remove_all(folder);
    return code;
  }
  return wait(agents);
}
