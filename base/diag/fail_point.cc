#include "base/diag/fail_point.h"

#include <fmt/format.h>

#include <atomic>
#include <charconv>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

namespace base {
namespace {

struct Point {
  std::string action;
  int delay_ms = 0;
  int at = 1;  // the passage that acts first
  int passed = 0;
};

struct Points {
  std::mutex mutex;
  std::map<std::string, Point, std::less<>> points;
  Points* previous = nullptr;
};

std::atomic<Points*> active{nullptr};
std::atomic<Points*> last{nullptr};  // keeps every table reachable: another thread may stand in fail_point()

std::optional<int> number(std::string_view text) {
  int value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || value < 0) return std::nullopt;
  return value;
}

// NAME=ACTION[@N]
std::optional<std::pair<std::string, Point>> parse(std::string_view item) {
  const auto equals = item.find('=');
  if (equals == 0 || equals == std::string_view::npos) return std::nullopt;
  Point point;
  auto action = item.substr(equals + 1);
  if (const auto at = action.find('@'); at != std::string_view::npos) {
    const auto passage = number(action.substr(at + 1));
    if (!passage || *passage < 1) return std::nullopt;
    point.at = *passage;
    action = action.substr(0, at);
  }
  if (action.starts_with("delay:")) {
    const auto delay = number(action.substr(6));
    if (!delay) return std::nullopt;
    point.delay_ms = *delay;
    action = "delay";
  } else if (action != "kill" && action != "error") {
    return std::nullopt;
  }
  point.action = action;
  return std::pair(std::string(item.substr(0, equals)), point);
}

// From the environment before main, so that a passage needs no once-flag.
[[maybe_unused]] const bool configured = [] {
  const char* specification = std::getenv("WEFT_FAIL");
  set_fail_points(specification ? specification : "");
  return true;
}();

}  // namespace

void set_fail_points(std::string_view specification) {
  if (specification.empty()) return active.store(nullptr);
  auto* fresh = new Points;
  while (!specification.empty()) {
    const auto end = specification.find(';');
    const auto item = specification.substr(0, end);
    specification = end == std::string_view::npos ? std::string_view{} : specification.substr(end + 1);
    auto point = parse(item);
    if (!point) {
      std::fputs(fmt::format("WEFT_FAIL: '{}' is not NAME=kill|error|delay:MS[@N]\n", item).c_str(), stderr);
      std::abort();
    }
    fresh->points.insert(std::move(*point));
  }
  fresh->previous = last.exchange(fresh);
  active.store(fresh);
}

Result<> fail_point(std::string_view name) {
  Points* points = active.load(std::memory_order_acquire);
  if (!points) return {};
  Point point;
  {
    const std::lock_guard lock(points->mutex);
    const auto found = points->points.find(name);
    if (found == points->points.end() || ++found->second.passed < found->second.at) return {};
    point = found->second;
  }
  if (point.action == "kill") std::raise(SIGKILL);
  if (point.action == "delay") std::this_thread::sleep_for(std::chrono::milliseconds(point.delay_ms));
  if (point.action == "error") return fail(Errc::unavailable, "fail point " + std::string(name));
  return {};
}

}  // namespace base
