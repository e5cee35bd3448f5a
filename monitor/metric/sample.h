// The words of monitoring: kind, label, series, sample. Used by every room of monitor and by programs. Plain values, any thread.
#pragma once

#include <compare>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/diag/result.h"

namespace monitor::metric {

enum class Kind { untyped, gauge, counter };
std::string_view kind_name(Kind kind);  // Prometheus' words

struct Label {
  std::string name, value;
  friend auto operator<=>(const Label&, const Label&) = default;
};

// Sorted by name, names unique, no empty values (an empty value means "no such label"). `__name__` is not among them.
using Labels = std::vector<Label>;

std::string_view find(const Labels& labels, std::string_view name);  // "" when absent
void set(Labels& labels, std::string_view name, std::string value);  // keeps the order; "" removes

struct Series {
  std::string name;
  Labels labels;
  friend auto operator<=>(const Series&, const Series&) = default;
  std::string text() const;  // name{a="b"} with Prometheus' escapes
};

struct Sample {
  Series series;
  Kind kind = Kind::untyped;
  double value = 0;
  std::int64_t timestamp_ms = 0;  // 0: not stamped yet
};

// [a-zA-Z_:][a-zA-Z0-9_:]* and, for labels, the same without the colon.
bool valid_name(std::string_view name);
bool valid_label_name(std::string_view name);

// The NaN that tells a Prometheus-compatible store that a series has ended; compared by bits.
double stale_marker();
bool is_stale_marker(double value);

}  // namespace monitor::metric
