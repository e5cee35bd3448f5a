#include "tests/unit/leaf/dav_pool.h"

#include <fmt/format.h>
#include <signal.h>
#include <unistd.h>

#include <stdexcept>
#include <thread>

#include "base/file/file.h"

namespace tests::leaf {

namespace fs = std::filesystem;
using base::Result;
using base::profile::Dict;
using ::leaf::fabric::Node;

namespace {

template <class T>
T must(Result<T> result) {
  if (!result) throw std::runtime_error(result.error().text());
  if constexpr (!std::is_void_v<T>) return std::move(*result);
}

std::string replaced(std::string text, std::string_view from, std::string_view to) {
  for (std::size_t at = 0; (at = text.find(from, at)) != std::string::npos; at += to.size()) text.replace(at, from.size(), to);
  return text;
}

// The configuration that the README promises, with a node's own places.
std::string configuration(const fs::path& root, const Node& node) {
  std::string readme = must(base::file::read(WEFT_SOURCE "/leaf/storage/README.md"));
  auto begin = readme.find("```nginx\n") + 9;
  std::string text = readme.substr(begin, readme.find("```", begin) - begin);
  text = replaced(text, "IP:9443", node.ip + ":19443");
  text = replaced(text, "server_name NODE", "server_name " + node.name);
  text = replaced(text, "/var/lib/weft-agent/identity", (root / "identity").string());
  text = replaced(text, "/run/weft-dirpool", (root / "run").string());
  text = replaced(text, "/data/", (root / "data").string() + "/");
  if (::geteuid() != 0) text = replaced(text, "user www-data;\n", "");
  return text;
}

}  // namespace

void DavPool::write_identity(const fs::path& folder, const std::string& kind, const std::string& name, const std::string& ip) {
  auto request = must(base::crypto::make_request({kind, name}));
  std::vector<std::string> names;
  if (!ip.empty()) names = {name, ip};
  must(base::file::make_folders(folder));
  must(base::file::write_atomic(folder / "node.crt",
                                must(authority_.sign(request.csr_pem, {kind, name}, std::chrono::hours(2), names))));
  must(base::file::write_atomic(folder / "node.key", request.key_pem, {.mode = 0600}));
  must(base::file::write_atomic(folder / "ca.crt", authority_.certificate_pem));
}

DavPool::DavPool(fs::path folder, const std::vector<std::string>& names)
    : folder_(std::move(folder)), authority_(must(base::crypto::Authority::create("test"))) {
  // Test programs may run side by side: a network of its own for each process.
  static int pools = 0;
  int net = static_cast<int>(::getpid() % 200) + 20, pool = pools++;
  for (const char* kind : {"service", "node", "person"})
    write_identity(folder_ / "client" / kind, kind, std::string("test-") + kind, "");
  int number = 0;
  for (const std::string& name : names) {
    ++number;
    Node node;
    node.name = name;
    node.cluster = "demo";
    node.state = "production";
    node.rack = "r" + std::to_string(number);
    node.ip = fmt::format("127.77.{}.{}", net, (pool * 10 + number) % 250 + 1);
    node.serial = "SN-" + name;
    node.last_outcome = "ok";
    node.desired_root = node.applied_root = base::crypto::sha256_hex(name);
    node.seen_ago = std::chrono::seconds(1);
    node.storage =
        Dict{{"driver", "dirpool"},
             {"pool", "demo"},
             {"replicas", 2},
             {"port", 19443},
             {"filesystems", Dict{{"_2fdata_2f01", Dict{{"quota", 1 << 24}}}, {"_2fdata_2f02", Dict{{"quota", 1 << 24}}}}}};
    fs::path root = folder_ / name;
    for (const char* part : {"01", "02"}) must(base::file::make_folders(root / "data" / part, 0777));
    if (::geteuid() == 0) {
      for (const char* part : {"01", "02"}) fs::permissions(root / "data" / part, fs::perms::all);
    }
    must(base::file::make_folders(root / "run"));
    write_identity(root / "identity", "node", name, node.ip);
    must(base::file::write_atomic(root / "dirpool.conf", configuration(root, node)));
    nodes.push_back(std::move(node));
    start(name);
  }
}

DavPool::~DavPool() {
  for (auto& [name, child] : servers_) child.stop(SIGTERM, std::chrono::seconds(5));
}

Node& DavPool::at(const std::string& name) {
  for (Node& node : nodes) {
    if (node.name == name) return node;
  }
  throw std::runtime_error("no node " + name);
}

void DavPool::stop(const std::string& node) {
  auto at = servers_.find(node);
  at->second.stop(SIGTERM, std::chrono::seconds(5));
  servers_.erase(at);
}

void DavPool::start(const std::string& node) {
  fs::path root = folder_ / node;
  base::process::Command command;
  command.argv = {"/usr/sbin/nginx", "-c", (root / "dirpool.conf").string()};
  servers_.emplace(node, must(base::process::Child::start(command, root / "log", true)));
  // Ready when it answers; a refusal of the certificate is an answer too.
  base::http::ClientOptions options = tls();
  options.base_url = fmt::format("https://{}:19443", at(node).ip);
  for (int i = 0; i < 500; ++i) {
    base::http::Client client(options);
    if (client.send({.path = "/"})) return;
    if (servers_.at(node).poll()) break;
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  throw std::runtime_error("nginx of " + node + " does not answer: " + base::file::read(root / "log").value_or(""));
}

base::http::ClientOptions DavPool::tls(const std::string& kind) const {
  base::http::ClientOptions options;
  options.ca = folder_ / "client" / kind / "ca.crt";
  options.certificate = folder_ / "client" / kind / "node.crt";
  options.key = folder_ / "client" / kind / "node.key";
  return options;
}

fs::path DavPool::data(const std::string& node, const std::string& fs) const {
  return folder_ / node / "data" / fs;
}

std::map<std::string, std::map<std::string, std::string>> DavPool::copies() const {
  std::map<std::string, std::map<std::string, std::string>> out;
  for (const Node& node : nodes) {
    for (const char* part : {"01", "02"}) {
      fs::path objects = data(node.name, part) / "obj";
      if (!fs::exists(objects)) continue;
      for (const auto& entry : fs::directory_iterator(objects)) {
        if (entry.path().filename() == "weft-keep") continue;
        out[entry.path().filename()][node.name] = must(base::file::read(entry.path()));
      }
    }
  }
  return out;
}

std::vector<std::string> DavPool::temporaries() const {
  std::vector<std::string> out;
  for (const Node& node : nodes) {
    for (const char* part : {"01", "02"}) {
      fs::path folder = data(node.name, part) / "tmp";
      if (!fs::exists(folder)) continue;
      for (const auto& entry : fs::directory_iterator(folder)) out.push_back(node.name + "/" + entry.path().filename().string());
    }
  }
  return out;
}

Result<std::optional<std::string>> FileIdentities::known(std::string_view node, std::string_view fs) {
  auto text = base::file::read(folder_ / fmt::format("{}-{}", node, fs));
  if (!text) return std::optional<std::string>();
  return std::optional<std::string>(*text);
}

Result<> FileIdentities::record(std::string_view node, std::string_view fs, std::string_view identity) {
  if (WEFT_TRY(known(node, fs))) return {};
  return base::file::write_atomic(folder_ / fmt::format("{}-{}", node, fs), identity);
}

}  // namespace tests::leaf
