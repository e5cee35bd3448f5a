// Canonical JSON and Merkle root of a tree that is no base::profile::Value, in one walk: what to_json() and merkle() would give,
// without building a Value. Used by cdb/pan on its own trees. One thread at a time. Keep it and clear() it between trees: its
// buffers are allocated once, and it knows the hashes of elements that it met before (2 MB; profiles of one fabric are mostly
// alike).
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/profile/hash.h"
#include "base/profile/json_write.h"

namespace base::profile {

// Calls follow the tree: a value, or begin_*() ... end(). In a dict, key() comes before each value, keys in order of their bytes.
class CanonicalWriter {
 public:
  void null();
  void boolean(bool value);
  void integer(std::int64_t value);
  void real(double value);
  void string(std::string_view value);
  void begin_list() { begin('[', 'l'); }
  void begin_dict() { begin('{', 'd'); }
  void key(std::string_view key);
  void end();

  // An element that comes again: mark() before it, element() after it, and known() wherever it stands once more.
  struct Element {
    std::string text;
    Hash hash;
    std::size_t leaves = 0, depth = 0;
  };
  struct Mark {
    std::size_t json, leaves, depth;
  };
  Mark mark();
  Element element(const Mark& mark);
  void known(const Element& element);

  // After the whole tree.
  std::string_view json() const { return json_.view(); }
  const Hash& root() const { return root_; }
  std::size_t leaves() const { return leaves_; }
  std::size_t depth() const { return depth_; }  // dicts and lists inside each other

  void clear();

 private:
  struct Open {
    std::size_t begin;  // of its hash input
    bool dict;
    bool empty = true;
  };
  void before_value();
  void begin(char bracket, char mark);
  void leaf(std::size_t begin);
  void hashed(std::size_t begin);
  void finished(const std::array<unsigned char, 32>& hash);

  // Hashes by their whole input, so that a hit is exact; an input that falls on another one's slot takes its place.
  template <std::size_t size, std::size_t count>
  struct Memo {
    struct Slot {
      std::array<unsigned char, 32> hash;
      std::uint32_t used = 0;  // bytes; 0: empty, as no input is
      char input[size - 36];
    };
    std::unique_ptr<Slot[]> slots;
    std::array<unsigned char, 32> of(std::string_view input);
  };
  Memo<128, 8192> short_;
  Memo<512, 2048> long_;

  ByteBuffer json_;
  ByteBuffer input_;  // hash inputs of the elements that are open, outermost first
  std::vector<Open> open_;
  Hash root_;
  std::size_t leaves_ = 0, depth_ = 0;
};

}  // namespace base::profile
