// Inside base/http only: the text of the private nginx's configuration. A pure function of its options.
#pragma once

#include <string>

#include "base/http/front.h"

namespace base::http {

struct FrontSystem {
  std::string worker_user;  // empty: we are not root, workers run as ourselves
  std::string worker_group;
  long descriptor_limit = 1024;  // hard limit of open files
};

// Errc::invalid for paths and addresses that nginx would read as syntax.
Result<std::string> front_config(const FrontOptions& options, const FrontSystem& system);

}  // namespace base::http
