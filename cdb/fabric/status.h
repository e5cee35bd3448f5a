// The state of many nodes as one answer. Used by cdb/http. Pure, any thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/profile/value.h"
#include "cdb/store/types.h"

namespace cdb::fabric {

using Time = std::chrono::system_clock::time_point;

// Every node stands in exactly one of them; the first that fits, in this order.
enum class Standing {
  never_reported,  // described, but no report came yet
  silent,          // not heard of for Limits::silent
  failed,          // its last run failed, or some component did
  behind,          // has not applied the desired profile yet
  in_sync,
};
std::string_view word(Standing standing);

struct Limits {
  std::chrono::seconds silent{600};
  std::chrono::seconds lag{1800};  // a node that is behind for longer is late
};

struct Failure {
  std::string component, outcome, message;  // the node's own name in the message is NODE
  std::vector<std::string> nodes;
};

struct Summary {
  static constexpr std::size_t max_failures = 100;  // groups, those of most nodes first; further ones are counted

  std::size_t total = 0;
  std::map<Standing, std::vector<std::string>> nodes;
  struct Applied {
    std::size_t nodes = 0, in_sync = 0;
  };
  std::map<std::int64_t, Applied> revisions;           // by applied revision; 0: nothing applied
  std::vector<std::string> late, reboot_needed, held;  // held: waits for its wave of a roll-out
  struct Lag {
    std::string node;
    std::int64_t revision = 0;  // that it should have
    std::chrono::seconds age{0};
  };
  std::optional<Lag> oldest;  // of nodes that reported at least once
  std::vector<Failure> failures;
  std::size_t more_failures = 0;
  bool healthy = true;  // nobody failed, silent or late

  base::profile::Value json() const;
};

Summary summarise(std::span<const store::NodeRow> rows, const Limits& limits, Time now);

// The message with the node's name, whole or up to its first dot, as NODE; at most 500 bytes.
std::string without_name(std::string_view message, std::string_view node);

}  // namespace cdb::fabric
