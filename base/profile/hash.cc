#include "base/profile/hash.h"

#include <fmt/format.h>

#include "base/crypto/crypto.h"
#include "base/profile/json.h"

namespace base::profile {
namespace {

// One buffer for the whole walk: each dict and list appends its children's hashes at the end and cuts them off again, so the
// only allocation is the buffer's growth to the widest chain of open elements.
class Merkle {
 public:
  std::array<unsigned char, 32> of(const Value& value) {
    const std::size_t begin = buffer_.size();
    switch (value.type()) {
      case Type::null: buffer_ += 'n'; break;
      case Type::boolean: buffer_ += *value.boolean() ? "b1" : "b0"; break;
      case Type::integer: fmt::format_to(std::back_inserter(buffer_), "i{}", *value.integer()); break;
      case Type::real: buffer_.append("f").append(to_json(value)); break;
      case Type::string: buffer_.append("s").append(*value.string()); break;
      case Type::list:
        buffer_ += 'l';
        for (const auto& item : *value.list()) append(of(item));
        break;
      case Type::dict:
        buffer_ += 'd';
        for (const auto& [key, child] : *value.dict()) {
          const auto size = static_cast<std::uint32_t>(key.size());
          for (int shift = 24; shift >= 0; shift -= 8) buffer_ += static_cast<char>(size >> shift & 0xff);
          buffer_ += key;
          append(of(child));
        }
        break;
    }
    const auto hash = crypto::sha256(std::string_view(buffer_).substr(begin));
    buffer_.resize(begin);
    return hash;
  }

 private:
  void append(const std::array<unsigned char, 32>& hash) {
    buffer_.append(reinterpret_cast<const char*>(hash.data()), hash.size());
  }

  std::string buffer_;
};

class Differ {
 public:
  std::vector<Change> changes;

  void compare(const Value& before, const Value& after) {
    if (before.is_dict() && after.is_dict()) return dicts(*before.dict(), *after.dict());
    if (before.is_list() && after.is_list()) return lists(*before.list(), *after.list());
    // Bit for bit as the hash sees it: 0.0 and -0.0 are equal numbers but different profiles.
    if (before.type() != after.type() || !(before == after) || (before.is_real() && to_json(before) != to_json(after)))
      note(&before, &after);
  }

 private:
  void note(const Value* before, const Value* after) {
    Path path;
    for (const auto& part : parts_) path = path / part;
    changes.push_back({std::move(path), before, after});
  }

  template <class F>
  void inside(std::string_view part, F&& f) {
    parts_.emplace_back(part);
    f();
    parts_.pop_back();
  }

  void dicts(const Dict& before, const Dict& after) {
    auto b = before.begin();
    auto a = after.begin();
    while (b != before.end() || a != after.end()) {
      const int order = b == before.end() ? 1 : a == after.end() ? -1 : b->first.compare(a->first);
      if (order < 0) {
        inside(b->first, [&] { note(&b->second, nullptr); });
        ++b;
      } else if (order > 0) {
        inside(a->first, [&] { note(nullptr, &a->second); });
        ++a;
      } else {
        inside(b->first, [&] { compare(b->second, a->second); });
        ++b, ++a;
      }
    }
  }

  void lists(const List& before, const List& after) {
    for (std::size_t i = 0; i < std::max(before.size(), after.size()); ++i) {
      inside(std::to_string(i), [&] {
        if (i >= before.size()) return note(nullptr, &after[i]);
        if (i >= after.size()) return note(&before[i], nullptr);
        compare(before[i], after[i]);
      });
    }
  }

  std::vector<std::string> parts_;
};

}  // namespace

std::string Hash::hex() const {
  std::string out;
  out.reserve(64);
  static constexpr char digits[] = "0123456789abcdef";
  for (const unsigned char byte : bytes) {
    out += digits[byte >> 4];
    out += digits[byte & 15];
  }
  return out;
}

Result<Hash> Hash::parse(std::string_view hex) {
  const auto bad = [&] {
    return fail(Errc::invalid, fmt::format("'{}' is not a profile hash: 64 lower-case hex digits are", hex.substr(0, 80)));
  };
  if (hex.size() != 64) return bad();
  const auto digit = [](char c) { return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1; };
  Hash hash;
  for (std::size_t i = 0; i < 32; ++i) {
    const int high = digit(hex[2 * i]), low = digit(hex[2 * i + 1]);
    if (high < 0 || low < 0) return bad();
    hash.bytes[i] = static_cast<unsigned char>(high * 16 + low);
  }
  return hash;
}

Hash merkle(const Value& value) {
  return Hash{Merkle().of(value)};
}

std::vector<Change> diff(const Value& before, const Value& after) {
  Differ differ;
  differ.compare(before, after);
  return std::move(differ.changes);
}

}  // namespace base::profile
