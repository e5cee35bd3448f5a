// Inside base/http only: which route a path belongs to. Filled before the server starts, read by all threads afterwards.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/http/server.h"

namespace base::http {

struct Route {
  std::string method;
  std::string pattern;
  std::vector<std::string> parts;
  Handler handler;  // one of the two
  AsyncHandler async;
};

class Router {
 public:
  void add(Route route);

  struct Match {
    const Route* route = nullptr;
    std::map<std::string, std::string> params;
    std::string allow;  // when only the method does not fit: what would
  };
  // `parts` are the decoded segments. A literal part beats a name, a name beats "*rest". HEAD finds GET routes.
  Match find(std::string_view method, const std::vector<std::string>& parts) const;

 private:
  std::vector<Route> routes_;
};

}  // namespace base::http
