// Figures of base/profile and base/compress on a synthetic profile of 2,000 leaves: "name value unit" per line, the best of
// several rounds (the least disturbed one). Run by tests/bench/profile.
#include <chrono>
#include <cstdio>
#include <functional>
#include <string>

#include "base/compress/compress.h"
#include "base/profile/hash.h"
#include "base/profile/json.h"

namespace {

using namespace base::profile;

// Shaped like a storage node's profile: few deep branches, many short leaves, some long texts.
Value node_profile(int leaves) {
  Value root;
  int made = 0;
  for (int i = 0; made < leaves; ++i) {
    auto& component = root["software"]["components"]["component" + std::to_string(i % 40)];
    component["active"] = true;
    component["version"] = "24.10." + std::to_string(i);
    auto& service = component["services"][escape("/etc/service" + std::to_string(i) + ".conf")];
    service["mode"] = std::string("0644");
    service["owner"] = std::string("root");
    service["priority"] = i;
    service["weight"] = i * 0.25;
    service["text"] = "option" + std::to_string(i) + " = value\n# a line of configuration text that is somewhat longer\n";
    for (int k = 0; k < 4; ++k) service["disks"].push_back("/dev/disk/by-id/wwn-" + std::to_string(i * 4 + k));
    made += 11;
  }
  return root;
}

void measure(const char* name, const std::function<void()>& work) {
  using Clock = std::chrono::steady_clock;
  double best = 1e9;
  for (int round = 0; round < 7; ++round) {
    constexpr int times = 20;
    const auto begin = Clock::now();
    for (int i = 0; i < times; ++i) work();
    best = std::min(best, std::chrono::duration<double, std::micro>(Clock::now() - begin).count() / times);
  }
  std::printf("%s %.1f us\n", name, best);
}

}  // namespace

int main() {
  const Value profile = node_profile(2000);
  const std::string text = to_json(profile);
  Value changed = profile;
  changed["software"]["components"]["component20"]["active"] = false;
  const std::string changed_text = to_json(changed);
  std::printf("profile_size %zu bytes\n", text.size());
  std::printf("profile_zstd_size %zu bytes\n", base::compress::zstd(text).size());
  std::printf("profile_dcz_one_leaf_size %zu bytes\n", base::compress::dcz(changed_text, text).size());
  std::size_t sum = 0;  // keeps the work from being optimized away
  measure("profile_parse", [&] { sum += parse_json(text)->is_dict(); });
  measure("profile_write", [&] { sum += to_json(profile).size(); });
  measure("profile_merkle", [&] { sum += merkle(profile).bytes[0]; });
  measure("profile_diff_equal", [&] { sum += diff(profile, profile).size(); });
  measure("profile_diff_one_leaf", [&] { sum += diff(profile, changed).size(); });
  measure("profile_zstd", [&] { sum += base::compress::zstd(text).size(); });
  measure("profile_dcz", [&] { sum += base::compress::dcz(changed_text, text).size(); });
  return sum == 0;
}
