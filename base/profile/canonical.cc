#include "base/profile/canonical.h"

#include <algorithm>
#include <utility>

#include "base/crypto/crypto.h"

namespace base::profile {

void CanonicalWriter::clear() {
  json_.cut(0);
  input_.cut(0);
  open_.clear();
  leaves_ = depth_ = 0;
}

void CanonicalWriter::before_value() {
  if (open_.empty() || open_.back().dict) return;
  if (!open_.back().empty) json_.append(',');
  open_.back().empty = false;
}

template <std::size_t size, std::size_t count>
std::array<unsigned char, 32> CanonicalWriter::Memo<size, count>::of(std::string_view input) {
  if (!slots) slots = std::make_unique<Slot[]>(count);
  Slot& slot = slots[std::hash<std::string_view>()(input) % count];
  if (std::string_view(slot.input, slot.used) != input) {
    slot.hash = crypto::sha256(input);
    slot.used = static_cast<std::uint32_t>(input.copy(slot.input, sizeof slot.input));
  }
  return slot.hash;
}

void CanonicalWriter::hashed(std::size_t begin) {
  const auto input = input_.view().substr(begin);
  const auto hash = input.size() <= sizeof(decltype(short_)::Slot::input)  ? short_.of(input)
                    : input.size() <= sizeof(decltype(long_)::Slot::input) ? long_.of(input)
                                                                           : crypto::sha256(input);
  input_.cut(begin);
  finished(hash);
}

void CanonicalWriter::finished(const std::array<unsigned char, 32>& hash) {
  if (open_.empty()) {
    root_.bytes = hash;
  } else {
    input_.append({reinterpret_cast<const char*>(hash.data()), hash.size()});
  }
}

void CanonicalWriter::leaf(std::size_t begin) {
  ++leaves_;
  hashed(begin);
}

CanonicalWriter::Mark CanonicalWriter::mark() {
  return {json_.size(), leaves_, std::exchange(depth_, open_.size())};
}

CanonicalWriter::Element CanonicalWriter::element(const Mark& mark) {
  Element out;
  auto text = json_.view().substr(mark.json);
  if (text.starts_with(',')) text.remove_prefix(1);  // between the items of a list
  out.text = text;
  if (open_.empty()) {
    out.hash = root_;
  } else {
    input_.view().copy(reinterpret_cast<char*>(out.hash.bytes.data()), out.hash.bytes.size(),
                       input_.size() - out.hash.bytes.size());
  }
  out.leaves = leaves_ - mark.leaves;
  out.depth = depth_ - open_.size();
  depth_ = std::max(depth_, mark.depth);
  return out;
}

void CanonicalWriter::known(const Element& element) {
  before_value();
  json_.append(element.text);
  finished(element.hash.bytes);
  leaves_ += element.leaves;
  depth_ = std::max(depth_, open_.size() + element.depth);
}

void CanonicalWriter::null() {
  before_value();
  json_.append("null");
  const auto begin = input_.size();
  input_.append('n');
  leaf(begin);
}

void CanonicalWriter::boolean(bool value) {
  before_value();
  json_.append(value ? std::string_view("true") : std::string_view("false"));
  const auto begin = input_.size();
  input_.append(value ? std::string_view("b1") : std::string_view("b0"));
  leaf(begin);
}

void CanonicalWriter::integer(std::int64_t value) {
  before_value();
  const auto begin = input_.size(), text = json_.size();
  append_integer(json_, value);
  input_.append('i');
  input_.append(json_.view().substr(text));
  leaf(begin);
}

void CanonicalWriter::real(double value) {
  before_value();
  const auto begin = input_.size(), text = json_.size();
  append_real(json_, value);
  input_.append('f');
  input_.append(json_.view().substr(text));
  leaf(begin);
}

void CanonicalWriter::string(std::string_view value) {
  before_value();
  append_quoted(json_, value);
  const auto begin = input_.size();
  input_.append('s');
  input_.append(value);
  leaf(begin);
}

void CanonicalWriter::begin(char bracket, char mark) {
  before_value();
  json_.append(bracket);
  open_.push_back({input_.size(), bracket == '{'});
  depth_ = std::max(depth_, open_.size());
  input_.append(mark);
}

void CanonicalWriter::key(std::string_view key) {
  if (!open_.back().empty) json_.append(',');
  open_.back().empty = false;
  append_quoted(json_, key);
  json_.append(':');
  const auto size = static_cast<std::uint32_t>(key.size());
  const char length[4] = {static_cast<char>(size >> 24), static_cast<char>(size >> 16), static_cast<char>(size >> 8),
                          static_cast<char>(size)};
  input_.append({length, sizeof length});
  input_.append(key);
}

void CanonicalWriter::end() {
  const Open done = open_.back();
  open_.pop_back();
  json_.append(done.dict ? '}' : ']');
  hashed(done.begin);
}

}  // namespace base::profile
