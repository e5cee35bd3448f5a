// Places as lines and columns, many in the same files. For explain; one thread, as long as the texts.
#pragma once

#include <unordered_map>
#include <vector>

#include "cdb/pan/explain.h"
#include "cdb/pan/template.h"

namespace cdb::pan {

class Ranges {
 public:
  // Its text is the first line of the range; `whole_line`: of the file.
  SourceRange of(const Place& place, bool whole_line = false);

 private:
  const std::vector<std::uint32_t>& lines(const SourceText& source);
  std::unordered_map<const SourceText*, std::vector<std::uint32_t>> lines_;
};

}  // namespace cdb::pan
