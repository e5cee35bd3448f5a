// The newest value of every series of every node, in memory only: what /metrics and /v1/metric show. Filled by the gateway's
// workers, read by the routes; any thread. Names and labels are kept once for all nodes, so a node costs some 40 bytes per
// series.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <shared_mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/diag/result.h"
#include "monitor/metric/sample.h"
#include "monitor/wire/remote_write.h"

namespace monitor::gateway {

struct Value {
  double value = 0;
  std::int64_t timestamp_ms = 0;  // of the sample
  std::int64_t arrived_ms = 0;
  std::int64_t interval_ms = 0;  // between the last two samples; 0: only one was seen
};

struct LastValuesLimits {
  std::size_t series_per_node = 5000;
  std::size_t bytes_per_node = 2u << 20;  // of names and labels
  std::size_t nodes = 50000;
};

class LastValues {
 public:
  explicit LastValues(LastValuesLimits limits = {}) : limits_(limits) {}

  // The label `instance` is not looked at: the caller has checked it. Older samples than what is known change nothing, a stale
  // marker removes. Errc::exhausted when the node would pass a limit: then nothing of the request is taken.
  base::Result<> update(const std::string& node, const std::vector<wire::SeriesView>& series, std::int64_t now_ms);

  struct Row {
    std::string node;
    std::shared_ptr<const metric::Series> series;  // without instance
    Value value;
  };
  // Fresh rows whose node and name match the patterns (empty: all), at most `limit` + 1. Sorted by name, labels, node.
  std::vector<Row> rows(std::string_view node_pattern, std::string_view name_pattern, std::size_t limit,
                        std::int64_t now_ms) const;
  // Forgets what is stale, and nodes with nothing left.
  void sweep(std::int64_t now_ms);

  struct Contact {
    std::string node;
    std::int64_t arrived_ms = 0;
  };
  std::vector<Contact> contacts() const;  // when each node was last heard
  std::size_t nodes() const;
  std::size_t series() const { return series_.load(); }
  std::size_t names() const;  // sets of labels that are remembered, of whatever node

 private:
  struct Entry {
    std::shared_ptr<const metric::Series> series;
    Value value;
  };
  struct Node {
    std::mutex mutex;
    std::unordered_map<const metric::Series*, Entry> entries;
    std::size_t bytes = 0;
    std::int64_t arrived_ms = 0;
  };
  struct Shard {
    mutable std::mutex mutex;
    std::unordered_map<std::string, std::weak_ptr<const metric::Series>> series;
  };
  static constexpr std::size_t shard_count = 16;

  static bool stale(const Value& value, std::int64_t now_ms);
  Shard& shard_of(const wire::SeriesView& view, std::string& key);
  // What a refused request named must not stay until the next sweep: refusals come as fast as the sender likes.
  void forget(const std::vector<wire::SeriesView>& series);
  std::shared_ptr<const metric::Series> intern(const wire::SeriesView& view, std::string& scratch);
  std::size_t drop_stale(Node& node, std::int64_t now_ms);

  LastValuesLimits limits_;
  mutable std::shared_mutex mutex_;
  std::map<std::string, std::shared_ptr<Node>, std::less<>> nodes_;
  Shard shards_[shard_count];
  std::atomic<std::size_t> series_ = 0;
};

}  // namespace monitor::gateway
