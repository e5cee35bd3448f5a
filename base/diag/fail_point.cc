#include "base/diag/fail_point.h"

#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

namespace base {
namespace {

struct Point {
  std::string action;
  int at = 1;  // the passage that acts; later ones act too for error and delay
  int passed = 0;
};

struct Points {
  std::mutex mutex;
  std::map<std::string, Point, std::less<>> points;

  explicit Points(std::string_view specification) {
    while (!specification.empty()) {
      const auto end = specification.find(';');
      const auto item = specification.substr(0, end);
      specification = end == std::string_view::npos ? std::string_view{} : specification.substr(end + 1);
      const auto equals = item.find('=');
      if (equals == std::string_view::npos) continue;
      Point point;
      const auto action = item.substr(equals + 1);
      const auto at = action.find('@');
      point.action = std::string(action.substr(0, at));
      if (at != std::string_view::npos) point.at = std::atoi(std::string(action.substr(at + 1)).c_str());
      points.emplace(std::string(item.substr(0, equals)), point);
    }
  }
};

Points* configured() {
  static const std::unique_ptr<Points> points = [] {
    const char* specification = std::getenv("WEFT_FAIL");
    return specification && *specification ? std::make_unique<Points>(specification) : nullptr;
  }();
  return points.get();
}

}  // namespace

Result<> fail_point(std::string_view name) {
  Points* points = configured();
  if (!points) return {};
  std::string action;
  {
    const std::lock_guard lock(points->mutex);
    const auto found = points->points.find(name);
    if (found == points->points.end() || ++found->second.passed < found->second.at) return {};
    action = found->second.action;
  }
  if (action == "kill") std::raise(SIGKILL);
  if (action.starts_with("delay:")) std::this_thread::sleep_for(std::chrono::milliseconds(std::atoi(action.c_str() + 6)));
  if (action == "error") return fail(Errc::unavailable, "fail point " + std::string(name));
  return {};
}

}  // namespace base
