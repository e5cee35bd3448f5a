#include "monitor/gateway/last_values.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/text/text.h"

namespace monitor::gateway {
namespace {

using base::Errc;

// A series is stale after five of its own intervals; one that was seen once is given the longest default period of a sensor.
constexpr std::int64_t intervals = 5, least_interval_ms = 60000, unknown_interval_ms = 300000;

std::size_t bytes_of(const metric::Series& series) {
  std::size_t n = series.name.size();
  for (const auto& label : series.labels) n += label.name.size() + label.value.size() + 2;
  return n;
}

}  // namespace

bool LastValues::stale(const Value& value, std::int64_t now_ms) {
  std::int64_t interval = value.interval_ms == 0 ? unknown_interval_ms : std::max(value.interval_ms, least_interval_ms);
  return now_ms - value.arrived_ms > intervals * interval;
}

LastValues::Shard& LastValues::shard_of(const wire::SeriesView& view, std::string& key) {
  key.clear();
  for (const auto& label : view.labels) {
    if (label.name == "instance") continue;
    key.append(label.name).push_back('\xff');  // not UTF-8, so never part of a name or value
    key.append(label.value).push_back('\xff');
  }
  return shards_[std::hash<std::string_view>()(key) % shard_count];
}

void LastValues::forget(const std::vector<wire::SeriesView>& series) {
  std::string key;
  for (const auto& view : series) {
    Shard& shard = shard_of(view, key);
    std::lock_guard lock(shard.mutex);
    if (auto slot = shard.series.find(key); slot != shard.series.end() && slot->second.expired()) shard.series.erase(slot);
  }
}

std::size_t LastValues::names() const {
  std::size_t count = 0;
  for (const auto& shard : shards_) {
    std::lock_guard lock(shard.mutex);
    count += shard.series.size();
  }
  return count;
}

std::shared_ptr<const metric::Series> LastValues::intern(const wire::SeriesView& view, std::string& scratch) {
  Shard& shard = shard_of(view, scratch);
  std::lock_guard lock(shard.mutex);
  auto& slot = shard.series[scratch];
  if (auto known = slot.lock()) return known;
  auto series = std::make_shared<metric::Series>();
  for (const auto& label : view.labels) {
    if (label.name == "__name__")
      series->name = label.value;
    else if (label.name != "instance")
      series->labels.push_back({std::string(label.name), std::string(label.value)});
  }
  slot = series;
  return series;
}

base::Result<> LastValues::update(const std::string& name, const std::vector<wire::SeriesView>& series, std::int64_t now_ms) {
  std::shared_ptr<Node> node;
  {
    std::shared_lock lock(mutex_);
    if (auto it = nodes_.find(name); it != nodes_.end()) node = it->second;
  }
  if (!node) {
    std::unique_lock lock(mutex_);
    if (nodes_.size() >= limits_.nodes && !nodes_.contains(name))
      return base::fail(Errc::exhausted, fmt::format("this gateway already holds values of {} nodes", limits_.nodes));
    auto& slot = nodes_[name];
    if (!slot) slot = std::make_shared<Node>();
    node = slot;
  }
  std::string scratch;
  std::vector<std::shared_ptr<const metric::Series>> interned;
  interned.reserve(series.size());
  for (const auto& view : series) interned.push_back(intern(view, scratch));

  std::lock_guard lock(node->mutex);
  // Checked before anything changes: a refused request leaves no part behind.
  std::size_t fresh = 0, bytes = 0;
  for (const auto& one : interned)
    if (!node->entries.contains(one.get())) {
      ++fresh;
      bytes += bytes_of(*one);
    }
  auto too_much = [&] {
    return node->entries.size() + fresh > limits_.series_per_node || node->bytes + bytes > limits_.bytes_per_node;
  };
  if (fresh > 0 && too_much()) {
    drop_stale(*node, now_ms);
    if (too_much()) {
      interned.clear();
      forget(series);
      return base::fail(
          Errc::exhausted,
          fmt::format("node {} would have {} series of {} bytes, {} and {} are allowed", name, node->entries.size() + fresh,
                      node->bytes + bytes, limits_.series_per_node, limits_.bytes_per_node),
          "look for a label whose values never repeat, or exclude devices in the sensor's options");
    }
  }
  node->arrived_ms = std::max(node->arrived_ms, now_ms);
  for (std::size_t i = 0; i < series.size(); ++i) {
    const auto* newest = &series[i].points.front();
    for (const auto& point : series[i].points)
      if (point.timestamp_ms >= newest->timestamp_ms) newest = &point;
    auto it = node->entries.find(interned[i].get());
    if (it != node->entries.end() && newest->timestamp_ms <= it->second.value.timestamp_ms) continue;
    if (metric::is_stale_marker(newest->value)) {
      if (it == node->entries.end()) continue;
      node->bytes -= bytes_of(*it->first);
      node->entries.erase(it);
      --series_;
      continue;
    }
    if (it == node->entries.end()) {
      node->entries.emplace(interned[i].get(), Entry{interned[i], {newest->value, newest->timestamp_ms, now_ms, 0}});
      node->bytes += bytes_of(*interned[i]);
      ++series_;
      continue;
    }
    Value& value = it->second.value;
    value = {newest->value, newest->timestamp_ms, now_ms, newest->timestamp_ms - value.timestamp_ms};
  }
  return {};
}

std::size_t LastValues::drop_stale(Node& node, std::int64_t now_ms) {
  return std::erase_if(node.entries, [&](const auto& item) {
    if (!stale(item.second.value, now_ms)) return false;
    node.bytes -= bytes_of(*item.first);
    --series_;
    return true;
  });
}

std::vector<LastValues::Row> LastValues::rows(std::string_view node_pattern, std::string_view name_pattern, std::size_t limit,
                                              std::int64_t now_ms) const {
  std::vector<std::pair<std::string, std::shared_ptr<Node>>> wanted;
  {
    std::shared_lock lock(mutex_);
    for (const auto& [name, node] : nodes_)
      if (node_pattern.empty() || base::text::glob_match(node_pattern, name)) wanted.emplace_back(name, node);
  }
  std::vector<Row> out;
  for (const auto& [name, node] : wanted) {
    std::lock_guard lock(node->mutex);
    for (const auto& [series, entry] : node->entries) {
      if (stale(entry.value, now_ms)) continue;
      if (!name_pattern.empty() && !base::text::glob_match(name_pattern, series->name)) continue;
      out.push_back({name, entry.series, entry.value});
      if (out.size() > limit) return out;
    }
  }
  std::sort(out.begin(), out.end(), [](const Row& a, const Row& b) {
    if (a.series != b.series)
      if (auto order = *a.series <=> *b.series; order != 0) return order < 0;
    return a.node < b.node;
  });
  return out;
}

void LastValues::sweep(std::int64_t now_ms) {
  std::vector<std::pair<std::string, std::shared_ptr<Node>>> all;
  {
    std::shared_lock lock(mutex_);
    all.assign(nodes_.begin(), nodes_.end());
  }
  for (const auto& [name, node] : all) {
    std::lock_guard lock(node->mutex);
    drop_stale(*node, now_ms);
  }
  {
    std::unique_lock lock(mutex_);
    // Only nodes that nobody else holds (the map and `all`): an update that is under way keeps its node.
    std::erase_if(nodes_, [](const auto& item) { return item.second.use_count() <= 2 && item.second->entries.empty(); });
  }
  for (auto& shard : shards_) {
    std::lock_guard lock(shard.mutex);
    std::erase_if(shard.series, [](const auto& item) { return item.second.expired(); });
  }
}

std::vector<LastValues::Contact> LastValues::contacts() const {
  std::shared_lock lock(mutex_);
  std::vector<Contact> out;
  out.reserve(nodes_.size());
  for (const auto& [name, node] : nodes_) {
    std::lock_guard inner(node->mutex);
    out.push_back({name, node->arrived_ms});
  }
  return out;
}

std::size_t LastValues::nodes() const {
  std::shared_lock lock(mutex_);
  return nodes_.size();
}

}  // namespace monitor::gateway
