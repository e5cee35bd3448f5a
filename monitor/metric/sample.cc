#include "monitor/metric/sample.h"

#include <algorithm>
#include <bit>

namespace monitor::metric {
namespace {

constexpr std::uint64_t stale_bits = 0x7ff0000000000002ull;

bool name_start(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

bool name_rest(char c) {
  return name_start(c) || (c >= '0' && c <= '9');
}

auto position(const Labels& labels, std::string_view name) {
  return std::lower_bound(labels.begin(), labels.end(), name, [](const Label& l, std::string_view n) { return l.name < n; });
}

}  // namespace

std::string_view kind_name(Kind kind) {
  switch (kind) {
    case Kind::gauge: return "gauge";
    case Kind::counter: return "counter";
    case Kind::untyped: break;
  }
  return "untyped";
}

std::string_view find(const Labels& labels, std::string_view name) {
  auto it = position(labels, name);
  return it != labels.end() && it->name == name ? std::string_view(it->value) : std::string_view();
}

void set(Labels& labels, std::string_view name, std::string value) {
  auto it = labels.begin() + (position(labels, name) - labels.cbegin());
  bool present = it != labels.end() && it->name == name;
  if (value.empty()) {
    if (present) labels.erase(it);
  } else if (present) {
    it->value = std::move(value);
  } else {
    labels.insert(it, Label{std::string(name), std::move(value)});
  }
}

std::string Series::text() const {
  std::string out = name;
  if (labels.empty()) return out;
  out += '{';
  for (const Label& label : labels) {
    if (out.back() != '{') out += ',';
    out += label.name;
    out += "=\"";
    for (char c : label.value) {
      if (c == '\n') {
        out += "\\n";
        continue;
      }
      if (c == '\\' || c == '"') out += '\\';
      out += c;
    }
    out += '"';
  }
  out += '}';
  return out;
}

bool valid_label_name(std::string_view name) {
  return !name.empty() && name_start(name[0]) && std::all_of(name.begin(), name.end(), name_rest);
}

bool valid_name(std::string_view name) {
  return !name.empty() && (name_start(name[0]) || name[0] == ':') &&
         std::all_of(name.begin(), name.end(), [](char c) { return name_rest(c) || c == ':'; });
}

double stale_marker() {
  return std::bit_cast<double>(stale_bits);
}

bool is_stale_marker(double value) {
  return std::bit_cast<std::uint64_t>(value) == stale_bits;
}

}  // namespace monitor::metric
