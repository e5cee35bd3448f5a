#include <algorithm>
#include <array>

#include "base/text/text.h"

namespace base::text {
namespace {

constexpr std::size_t longest_word = 64;  // nobody mistypes longer names by two letters; bounds the quadratic work

// Damerau-Levenshtein (optimal string alignment): a swap of two neighbours is one mistake. Three rows are enough.
std::size_t distance(std::string_view a, std::string_view b) {
  using Row = std::array<std::size_t, longest_word + 1>;
  Row rows[3];
  for (std::size_t j = 0; j <= b.size(); ++j) rows[0][j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    Row& now = rows[i % 3];
    const Row& last = rows[(i + 2) % 3];
    const Row& before = rows[(i + 1) % 3];
    now[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      now[j] = std::min({last[j] + 1, now[j - 1] + 1, last[j - 1] + (a[i - 1] == b[j - 1] ? 0u : 1u)});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) now[j] = std::min(now[j], before[j - 2] + 1);
    }
  }
  return rows[a.size() % 3][b.size()];
}

}  // namespace

std::vector<std::string> did_you_mean(std::string_view word, std::span<const std::string> candidates) {
  const std::size_t allowed = word.size() < 5 ? 1 : 2;
  std::vector<std::pair<std::size_t, const std::string*>> near;
  if (word.empty() || word.size() > longest_word) return {};
  for (const auto& candidate : candidates) {
    if (candidate.empty() || candidate.size() > longest_word) continue;
    const auto longer = std::max(candidate.size(), word.size());
    if (longer - std::min(candidate.size(), word.size()) > allowed) continue;
    if (const auto d = distance(word, candidate); d <= allowed) near.emplace_back(d, &candidate);
  }
  std::sort(near.begin(), near.end(),
            [](const auto& x, const auto& y) { return x.first != y.first ? x.first < y.first : *x.second < *y.second; });
  std::vector<std::string> out;
  for (const auto& [d, candidate] : near) {
    if (out.size() == 5) break;
    if (out.empty() || out.back() != *candidate) out.push_back(*candidate);
  }
  return out;
}

std::string did_you_mean_suffix(std::string_view word, std::span<const std::string> candidates) {
  const auto near = did_you_mean(word, candidates);
  return near.empty() ? std::string() : " (did you mean " + join(near, ", ") + "?)";
}

}  // namespace base::text
