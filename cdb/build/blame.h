// Who wrote each line of a template: from the stored contents of its revisions, across forks and merges. Used by cdb/http. Any
// thread; reads only. Errc::not_found: no such file there.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/diag/result.h"
#include "cdb/store/store.h"

namespace cdb::build {

struct Blame {
  static constexpr int max_revisions = 2000;  // looked at; older lines count for the oldest of them
  struct Line {
    std::string text;
    std::int64_t revision = 0;
  };
  std::vector<Line> lines;
  std::map<std::int64_t, store::Revision> revisions;  // those that `lines` name
};

// `revision` 0: as of now.
base::Result<Blame> blame(const store::Store& store, std::string_view branch, std::int64_t revision, std::string_view path);

}  // namespace cdb::build
