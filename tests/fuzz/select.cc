// Selections: what parses prints as a text that parses to the same; deciding ends, and both spellings decide alike.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "base/profile/value.h"
#include "cdb/select/select.h"

namespace {

void promise(bool kept) {
  if (!kept) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using base::profile::Value;
  using cdb::select::Selection;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto selection = Selection::parse(text);
  if (!selection) {
    promise(selection.error().code == base::Errc::invalid && !selection.error().message.empty() &&
            !selection.error().hint.empty());
    return 0;
  }
  const auto canonical = selection->text();
  const auto again = Selection::parse(canonical);
  // Quotes and parentheses may take it over the limits, nothing else may.
  if (!again) {
    promise(canonical.size() > Selection::max_bytes || again.error().message.find("levels") != std::string::npos);
    return 0;
  }
  promise(again->text() == canonical && again->fields() == selection->fields());
  static const Value some[] = {Value("disk01.example.org"), Value(7), Value(1.5), Value(true), Value("6.1.0-18-amd64"), Value()};
  for (std::size_t shift = 0; shift < std::size(some); ++shift) {
    std::vector<const Value*> values;
    for (std::size_t i = 0; i < selection->fields().size(); ++i)
      values.push_back(i % 5 == 4 ? nullptr : &some[(i + shift) % std::size(some)]);
    const auto one = selection->matches(values), other = again->matches(values);
    promise(one.has_value() == other.has_value());
    if (one) {
      promise(*one == *other);
    } else {
      promise(one.error().code == base::Errc::exhausted);
    }
  }
  const auto half = text.size() / 2;
  const auto order = cdb::select::compare_versions(text.substr(0, half), text.substr(half));
  promise(order == -cdb::select::compare_versions(text.substr(half), text.substr(0, half)));
  return 0;
}
