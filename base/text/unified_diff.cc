#include <fmt/format.h>

#include <algorithm>
#include <unordered_map>

#include "base/text/text.h"

namespace base::text {
namespace {

constexpr int context = 3;
constexpr int max_edits = 2000;  // beyond that the middle part is shown as replaced whole: bounds time and memory

std::vector<std::string_view> lines_of(std::string_view text) {
  std::vector<std::string_view> lines;
  while (!text.empty()) {
    const auto end = text.find('\n');
    const auto size = end == std::string_view::npos ? text.size() : end + 1;
    lines.push_back(text.substr(0, size));
    text.remove_prefix(size);
  }
  return lines;
}

struct Step {
  char kind;  // ' ', '-', '+'
  std::size_t a, b;
};

// Myers' greedy algorithm on line numbers; the furthest-reaching points of each round are kept for the way back.
std::vector<Step> middle_script(const std::vector<int>& a, const std::vector<int>& b) {
  const int n = static_cast<int>(a.size()), m = static_cast<int>(b.size());
  std::vector<std::vector<int>> rounds;
  std::vector<Step> reversed;
  std::vector<int> reach(2 * std::min(n + m, max_edits) + 3, 0);
  const int zero = static_cast<int>(reach.size()) / 2;
  const auto step_down = [&](const std::vector<int>& v, int origin, int d, int k) {
    return k == -d || (k != d && v[origin + k - 1] < v[origin + k + 1]);
  };
  for (int d = 0; d <= std::min(n + m, max_edits); ++d) {
    for (int k = -d; k <= d; k += 2) {
      int x = step_down(reach, zero, d, k) ? reach[zero + k + 1] : reach[zero + k - 1] + 1;
      int y = x - k;
      while (x < n && y < m && x >= 0 && y >= 0 && a[x] == b[y]) ++x, ++y;
      reach[zero + k] = x;
      if (x < n || y < m) continue;
      for (int e = d; e > 0; --e) {
        const auto& v = rounds[e - 1];  // holds diagonals -(e-1)..e-1 at offset e
        const int kk = x - y;
        const bool down = step_down(v, e, e, kk);
        const int from_k = down ? kk + 1 : kk - 1;
        const int from_x = v[e + from_k];
        while (x > (down ? from_x : from_x + 1)) {
          --x, --y;
          reversed.push_back({' ', static_cast<std::size_t>(x), static_cast<std::size_t>(y)});
        }
        if (down) {
          --y;
          reversed.push_back({'+', static_cast<std::size_t>(x), static_cast<std::size_t>(y)});
        } else {
          --x;
          reversed.push_back({'-', static_cast<std::size_t>(x), static_cast<std::size_t>(y)});
        }
      }
      while (x > 0 && y > 0) {
        --x, --y;
        reversed.push_back({' ', static_cast<std::size_t>(x), static_cast<std::size_t>(y)});
      }
      std::reverse(reversed.begin(), reversed.end());
      return reversed;
    }
    rounds.emplace_back(reach.begin() + (zero - d - 1), reach.begin() + (zero + d + 2));
  }
  for (std::size_t i = 0; i < a.size(); ++i) reversed.push_back({'-', i, 0});
  for (std::size_t j = 0; j < b.size(); ++j) reversed.push_back({'+', a.size(), j});
  return reversed;
}

std::string range(std::size_t start, std::size_t count) {
  if (count == 1) return fmt::format("{}", start + 1);
  return fmt::format("{},{}", count == 0 ? start : start + 1, count);
}

}  // namespace

std::string unified_diff(std::string_view before, std::string_view after, std::string_view name_before,
                         std::string_view name_after) {
  if (before == after) return {};
  const auto old_lines = lines_of(before), new_lines = lines_of(after);
  const std::size_t shorter = std::min(old_lines.size(), new_lines.size());
  std::size_t head = 0, tail = 0;
  while (head < shorter && old_lines[head] == new_lines[head]) ++head;
  while (tail < shorter - head && old_lines[old_lines.size() - 1 - tail] == new_lines[new_lines.size() - 1 - tail]) ++tail;

  std::unordered_map<std::string_view, int> numbers;
  const auto number = [&](std::string_view line) {
    return numbers.emplace(line, static_cast<int>(numbers.size())).first->second;
  };
  std::vector<int> a, b;
  for (auto i = head; i < old_lines.size() - tail; ++i) a.push_back(number(old_lines[i]));
  for (auto i = head; i < new_lines.size() - tail; ++i) b.push_back(number(new_lines[i]));

  std::vector<Step> steps;
  for (std::size_t i = head > context ? head - context : 0; i < head; ++i) steps.push_back({' ', i, i});
  for (const auto& step : middle_script(a, b)) steps.push_back({step.kind, step.a + head, step.b + head});
  for (std::size_t i = 0; i < std::min<std::size_t>(tail, context); ++i)
    steps.push_back({' ', old_lines.size() - tail + i, new_lines.size() - tail + i});

  std::string out = fmt::format("--- {}\n+++ {}\n", name_before, name_after);
  std::size_t i = 0;
  while (i < steps.size()) {
    // A hunk begins `context` lines before a change and runs until more than twice that many equal lines follow.
    std::size_t first = i;
    while (first < steps.size() && steps[first].kind == ' ') ++first;
    if (first == steps.size()) break;
    std::size_t begin = std::max(i, first > context ? first - context : 0), last = first, end = first;
    for (; end < steps.size() && end - last <= 2 * context; ++end)
      if (steps[end].kind != ' ') last = end;
    end = std::min(last + 1 + context, steps.size());
    std::size_t removed = 0, added = 0;
    std::string body;
    for (auto s = begin; s < end; ++s) {
      const auto& step = steps[s];
      removed += step.kind != '+';
      added += step.kind != '-';
      const auto line = step.kind == '+' ? new_lines[step.b] : old_lines[step.a];
      body += step.kind;
      body += line;
      if (!line.ends_with('\n')) body += "\n\\ No newline at end of file\n";
    }
    out += fmt::format("@@ -{} +{} @@\n{}", range(steps[begin].a, removed), range(steps[begin].b, added), body);
    i = end;
  }
  return out;
}

}  // namespace base::text
