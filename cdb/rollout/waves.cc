#include "cdb/rollout/waves.h"

#include <algorithm>
#include <map>
#include <utility>

#include <fmt/format.h>

#include "base/crypto/crypto.h"
#include "base/text/text.h"

namespace cdb::rollout {
namespace {

using base::profile::Value;

std::string text_of(const Value* value) {
  if (!value) return {};
  if (value->is_string()) return *value->string();
  return value->is_integer() ? std::to_string(*value->integer()) : std::string();
}

bool matches(const Wave& wave, const Candidate& node) {
  return std::all_of(wave.select.begin(), wave.select.end(), [&](const auto& wish) {
    const auto have = wish.first == "name" ? node.name : text_of(node.attributes.get(wish.first));
    return base::text::glob_match(text_of(&wish.second), have);
  });
}

}  // namespace

Plan plan_waves(const Policy& policy, const std::vector<Candidate>& candidates) {
  std::vector<std::pair<std::array<unsigned char, 32>, const Candidate*>> order;
  for (const auto& node : candidates) order.emplace_back(base::crypto::sha256(node.name), &node);
  std::sort(order.begin(), order.end());
  std::vector<const Candidate*> left;
  for (const auto& [hash, node] : order) left.push_back(node);

  Plan plan;
  const auto add = [&](std::string name, std::size_t index, const std::vector<const Candidate*>& nodes) {
    if (nodes.empty()) return;
    plan.names.push_back(std::move(name));
    plan.policy_waves.push_back(static_cast<std::int64_t>(index));
    for (const auto* node : nodes) plan.nodes.emplace_back(node->name, static_cast<int>(plan.names.size()));
  };
  for (std::size_t i = 0; i < policy.waves.size(); ++i) {
    const auto& wave = policy.waves[i];
    const auto most = wave.nodes ? wave.nodes->of(candidates.size()) : candidates.size();
    std::vector<const Candidate*> taken, rest;
    for (const auto* node : left) (taken.size() < most && matches(wave, *node) ? taken : rest).push_back(node);
    left = std::move(rest);
    if (wave.by.empty()) {
      add(wave.name, i, taken);
      continue;
    }
    std::map<std::string, std::vector<const Candidate*>> domains;
    for (const auto* node : taken) domains[text_of(node->attributes.get(wave.by))].push_back(node);
    for (const auto& [domain, nodes] : domains)
      add(fmt::format("{} {}={}", wave.name, wave.by, domain.empty() ? "-" : domain), i, nodes);
  }
  add("rest", policy.waves.size(), left);
  std::sort(plan.nodes.begin(), plan.nodes.end());
  return plan;
}

}  // namespace cdb::rollout
