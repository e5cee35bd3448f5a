// Order of components: dependencies first, then the registry's order, then names. Used by the planner. Pure.
#pragma once

#include <map>
#include <string>
#include <vector>

namespace agent::plan {

struct Wish {
  int rank = 0;                        // place in the registry
  std::vector<std::string> pre, post;  // must come before, must come after; unknown names are ignored here
};

struct Order {
  std::vector<std::string> names;             // all that can be ordered
  std::map<std::string, std::string> looped;  // name -> "a -> b -> a"
};

Order order_components(const std::map<std::string, Wish>& wishes);

}  // namespace agent::plan
