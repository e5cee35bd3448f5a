// gateway_load NODES SAMPLES SECONDS: CPU that the gateway needs per sample. Three processes on loopback: a store that only
// counts, the gateway behind base/http, and this one with eight keep-alive clients that send one request of SAMPLES samples per
// node in turn. Prints figures "name value unit". Used by tests/bench/gateway.
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include "base/http/client.h"
#include "base/http/server.h"
#include "monitor/gateway/gateway.h"
#include "monitor/wire/remote_write.h"

namespace {

using base::http::Request;
using base::http::Response;

[[noreturn]] void die(const std::string& what) {
  std::fprintf(stderr, "gateway_load: %s\n", what.c_str());
  std::exit(1);
}

struct Child {
  pid_t pid;
  std::uint16_t port;
};

// A process with a server of its own; tells its port through a pipe and works until it is killed.
template <class Routes>
Child serve(Routes routes) {
  int ends[2];
  if (pipe(ends) != 0) die("pipe");
  pid_t pid = fork();
  if (pid == 0) {
    base::http::ServerOptions options;
    options.trusted = {base::http::Identity::Kind::service, "bench"};
    auto server = base::http::Server::create(std::move(options));
    if (!server) die(server.error().text());
    [[maybe_unused]] auto keep = routes(**server);
    if (auto started = (*server)->start(); !started) die(started.error().text());
    auto port = (*server)->port();
    if (write(ends[1], &port, sizeof port) != sizeof port) die("write");
    pause();
    _exit(0);
  }
  std::uint16_t port = 0;
  if (read(ends[0], &port, sizeof port) != sizeof port) die("a server did not start");
  return {pid, port};
}

// A node's body: names and labels as node_exporter has them, some of each.
std::string body(int node, int samples, std::int64_t time_ms) {
  static const std::vector<std::string> names = [] {
    std::vector<std::string> out;
    for (const char* base : {"node_cpu_seconds_total", "node_disk_read_bytes_total", "node_network_receive_bytes_total",
                             "node_filesystem_avail_bytes", "node_memory_MemAvailable_bytes"})
      out.emplace_back(base);
    return out;
  }();
  static std::vector<std::string> devices;
  while (static_cast<int>(devices.size()) < samples) devices.push_back("device" + std::to_string(devices.size()));
  std::string instance = "node" + std::to_string(node) + ".example.org";
  std::vector<monitor::wire::Row> rows;
  for (int i = 0; i < samples; ++i) {
    const auto& name = names[static_cast<std::size_t>(i) % names.size()];
    rows.push_back(
        {{{"__name__", name}, {"device", devices[static_cast<std::size_t>(i)]}, {"instance", instance}, {"job", "weft"}},
         {{static_cast<double>(i) * 1234.5 + static_cast<double>(time_ms % 1000), time_ms}}});
  }
  return monitor::wire::encode(rows);
}

double cpu_seconds(pid_t pid) {
  std::ifstream in("/proc/" + std::to_string(pid) + "/stat");
  std::string word;
  double total = 0;
  for (int i = 1; i <= 15 && in >> word; ++i)
    if (i >= 14) total += std::stod(word);
  return total / static_cast<double>(sysconf(_SC_CLK_TCK));
}

long rss_kilobytes(pid_t pid) {
  std::ifstream in("/proc/" + std::to_string(pid) + "/status");
  for (std::string line; std::getline(in, line);)
    if (line.starts_with("VmRSS:")) return std::strtol(line.c_str() + 6, nullptr, 10);
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4) die("usage: gateway_load NODES SAMPLES SECONDS");
  int nodes = std::atoi(argv[1]), samples = std::atoi(argv[2]), seconds = std::atoi(argv[3]);
  if (nodes < 1 || samples < 1 || samples > 5000 || seconds < 1)
    die("NODES, SAMPLES (at most 5000) and SECONDS must be positive");

  Child store = serve([](base::http::Server& server) {
    server.route("POST", "/api/v1/write", [](const Request&) -> base::Result<Response> {
      return Response{204, "", "text/plain", {}};
    });
    return 0;
  });
  Child gateway = serve([&](base::http::Server& server) {
    monitor::gateway::GatewayOptions options;
    options.store = "http://127.0.0.1:" + std::to_string(store.port) + "/api/v1/write";
    auto out = std::make_unique<monitor::gateway::Gateway>(std::move(options));
    server.route_async("POST", "/api/v1/write",
                       [raw = out.get()](const Request& r, base::http::Pending p) { raw->receive(r, std::move(p)); });
    return out;
  });

  // Bodies are made before the clock runs; each client has its own nodes.
  constexpr int clients = 8;
  std::vector<std::string> bodies;
  for (int node = 0; node < nodes; ++node) bodies.push_back(body(node, samples, 1700000000000));
  std::atomic<long> sent = 0, failed = 0;
  std::atomic<bool> stop = false;
  auto begin = std::chrono::steady_clock::now();
  double cpu_before = cpu_seconds(gateway.pid);
  std::vector<std::thread> threads;
  for (int c = 0; c < clients; ++c)
    threads.emplace_back([&, c] {
      base::http::ClientOptions options;
      options.base_url = "http://127.0.0.1:" + std::to_string(gateway.port);
      base::http::Client client(options);
      for (std::size_t i = static_cast<std::size_t>(c); !stop;
           i = i + clients < bodies.size() ? i + clients : static_cast<std::size_t>(c)) {
        base::http::ClientRequest request;
        request.method = "POST";
        request.path = "/api/v1/write";
        request.body = bodies[i % bodies.size()];
        request.content_type = "application/x-protobuf";
        request.headers = {{"Content-Encoding", "snappy"}};
        auto response = client.send(request);
        ++(response && response->status == 204 ? sent : failed);
      }
    });
  std::this_thread::sleep_for(std::chrono::seconds(seconds));
  stop = true;
  for (auto& thread : threads) thread.join();
  double wall = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  double cpu = cpu_seconds(gateway.pid) - cpu_before;
  double total = static_cast<double>(sent) * samples;
  std::printf("gateway_samples_per_second %.0f samples/s\n", total / wall);
  std::printf("gateway_samples_per_core_second %.0f samples/core-s\n", total / cpu);
  std::printf("gateway_cpu_for_50k_samples_per_second %.3f cores\n", 50000 * cpu / total);
  std::printf("gateway_cpu_per_request %.1f us\n", 1e6 * cpu / static_cast<double>(sent));
  std::printf("gateway_rss %.1f MB\n", static_cast<double>(rss_kilobytes(gateway.pid)) / 1024);
  std::printf("gateway_requests_failed %ld requests\n", failed.load());
  for (pid_t pid : {gateway.pid, store.pid}) {
    kill(pid, SIGKILL);
    waitpid(pid, nullptr, 0);
  }
  return failed == 0 ? 0 : 1;
}
