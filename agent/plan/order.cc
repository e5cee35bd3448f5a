#include "agent/plan/order.h"

#include <algorithm>
#include <set>
#include <utility>

namespace agent::plan {

namespace {

// A loop through `start` inside `rest`, for the message; "" when `start` only waits for a loop.
std::string loop_of(const std::string& start, const std::map<std::string, std::set<std::string>>& before) {
  std::vector<std::string> way{start};
  std::set<std::string> seen;
  auto walk = [&](auto&& self, const std::string& at) -> bool {
    for (const auto& next : before.at(at)) {
      if (next == start) return true;
      if (!seen.insert(next).second) continue;
      way.push_back(next);
      if (self(self, next)) return true;
      way.pop_back();
    }
    return false;
  };
  if (!walk(walk, start)) return {};
  std::string text;
  for (const auto& name : way) text += name + " -> ";
  return text + start;
}

}  // namespace

Order order_components(const std::map<std::string, Wish>& wishes) {
  std::map<std::string, std::set<std::string>> before;
  for (const auto& [name, wish] : wishes) {
    before[name];
    for (const auto& other : wish.pre)
      if (wishes.contains(other)) before[name].insert(other);
    for (const auto& other : wish.post)
      if (wishes.contains(other)) before[other].insert(name);
  }
  Order out;
  while (!before.empty()) {
    const std::string* next = nullptr;
    for (const auto& [name, waits] : before)
      if (waits.empty() && (!next || wishes.at(name).rank < wishes.at(*next).rank)) next = &name;
    if (!next) break;
    auto name = *next;
    before.erase(name);
    for (auto& [_, waits] : before) waits.erase(name);
    out.names.push_back(std::move(name));
  }
  for (const auto& [name, _] : before) out.looped[name] = loop_of(name, before);
  return out;
}

}  // namespace agent::plan
