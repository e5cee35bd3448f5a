#include "cdb/select/select.h"

namespace cdb::select {
namespace {

bool digit(char c) {
  return c >= '0' && c <= '9';
}
bool letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

std::string_view take(std::string_view& text, bool (*good)(char)) {
  std::size_t size = 0;
  while (size < text.size() && good(text[size])) ++size;
  const auto out = text.substr(0, size);
  text.remove_prefix(size);
  return out;
}

int compare_numbers(std::string_view a, std::string_view b) {
  while (a.starts_with('0')) a.remove_prefix(1);
  while (b.starts_with('0')) b.remove_prefix(1);
  if (a.size() != b.size()) return a.size() < b.size() ? -1 : 1;
  return a.compare(b);
}

}  // namespace

int compare_versions(std::string_view a, std::string_view b) {
  for (;;) {
    const auto separator = [](char c) { return !digit(c) && !letter(c) && c != '~'; };
    take(a, separator);
    take(b, separator);
    const bool before_a = a.starts_with('~'), before_b = b.starts_with('~');
    if (before_a != before_b) return before_a ? -1 : 1;
    if (before_a) {
      a.remove_prefix(1);
      b.remove_prefix(1);
      continue;
    }
    if (a.empty() || b.empty()) return a.empty() && b.empty() ? 0 : a.empty() ? -1 : 1;
    if (digit(a.front()) != digit(b.front())) return digit(a.front()) ? 1 : -1;
    const bool number = digit(a.front());
    const auto left = take(a, number ? digit : letter), right = take(b, number ? digit : letter);
    if (const int order = number ? compare_numbers(left, right) : left.compare(right); order != 0) return order < 0 ? -1 : 1;
  }
}

}  // namespace cdb::select
