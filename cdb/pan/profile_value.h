// The compiler's tree as base::profile knows it. Used by Compiler.
#pragma once

#include <unordered_map>

#include "base/profile/canonical.h"
#include "base/profile/value.h"
#include "cdb/pan/value.h"

namespace cdb::pan {

base::profile::Value to_profile(const Value& value);
// The same as canonical text and hash, without the Value in between. One thread at a time. Elements that are one node in many
// objects of a run (Node::shared) are written once: forget() at its end, as their addresses mean nothing afterwards.
class CanonicalScribe {
 public:
  // Valid until the next call.
  const base::profile::CanonicalWriter& write(const Value& root);
  void forget();

 private:
  static constexpr std::size_t kMostBytes = 64u << 20;  // of texts kept
  void write(const Value& value, bool keep);
  void write_resource(const Node& node, bool keep);

  base::profile::CanonicalWriter writer_;
  std::unordered_map<const Node*, base::profile::CanonicalWriter::Element> known_;
  std::size_t bytes_ = 0;
};

}  // namespace cdb::pan
