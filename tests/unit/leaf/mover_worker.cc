// A draining process for crash tests: `mover-worker NODES.json TLS-FOLDER IDENTITIES NODE FENCE` drains until done (0), or until
// it cannot go on (1). Killed at the fail point in WEFT_FAIL.
#include <cstdio>
#include <cstdlib>

#include "base/file/file.h"
#include "base/profile/json.h"
#include "leaf/storage/dirpool.h"
#include "tests/unit/leaf/dav_pool.h"
#include "tests/unit/leaf/fakes.h"

int main(int argc, char** argv) {
  if (argc != 6) return 2;
  auto fabric = std::make_shared<tests::leaf::FakeFabric>();
  auto text = base::file::read(argv[1]);
  auto nodes = text ? base::profile::parse_json(*text) : base::Result<base::profile::Value>(base::fail(text.error()));
  if (!nodes) return 3;
  for (const auto& item : *nodes->list()) {
    leaf::fabric::Node node;
    node.name = item.get_string("name");
    node.ip = item.get_string("ip");
    node.rack = item.get_string("rack");
    node.state = item.get_string("state");
    node.storage = *item.get("storage");
    fabric->list.push_back(std::move(node));
  }
  base::http::ClientOptions tls;
  tls.ca = std::filesystem::path(argv[2]) / "ca.crt";
  tls.certificate = std::filesystem::path(argv[2]) / "node.crt";
  tls.key = std::filesystem::path(argv[2]) / "node.key";
  leaf::storage::Dirpool driver(fabric, std::make_shared<tests::leaf::FileIdentities>(argv[3]), tls, {});
  leaf::storage::DrainRequest request;
  request.node = argv[4];
  request.idem_key = "wf1";
  request.fence = std::atoll(argv[5]);
  request.may_act = [] { return base::Result<>(); };
  request.save = [](const base::profile::Value&) { return base::Result<>(); };
  for (int i = 0; i < 20; ++i) {
    auto status = driver.drain_status(request);
    if (!status) {
      std::fprintf(stderr, "%s\n", status.error().text().c_str());
      return 1;
    }
    if (status->done) return 0;
    std::fprintf(stderr, "%s\n", status->message.c_str());
    request.progress = status->progress;
  }
  return 1;
}
