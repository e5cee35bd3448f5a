// The compiler's own value tree: reference-counted, copy on write, dicts as arrays sorted by key. Used by cdb/pan only;
// base::profile values leave the room. One thread at a time per Heap; immortal values (template constants, finished objects) are
// read by any thread.
//
// A node is either open (modified in place; all holders see it, as Pan's locals do) or frozen (immutable, with everything below
// it). A frozen node with one holder is opened again in place, one with several is copied one level deep: that is copy on write.
#pragma once

#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <utility>

#include "cdb/pan/heap.h"

namespace cdb::pan {

enum class Tag : std::uint8_t { none, undef, null, boolean, integer, real, string, list, dict };

// Pan's words; a dict is called "nlist" in the reference's messages and in XML.
std::string_view tag_name(Tag tag);

inline constexpr std::uint32_t kImmortal = 0x80000000u;

// The first eight bytes as a number that orders as they do; zero behind a shorter text. Most keys differ in it.
inline std::uint64_t head_of(std::string_view text) {
  std::uint64_t head = 0;
  if (text.size() >= 8) {
    std::memcpy(&head, text.data(), 8);
    return __builtin_bswap64(head);
  }
  for (std::size_t i = 0; i < text.size(); ++i) head |= std::uint64_t{static_cast<unsigned char>(text[i])} << (56 - 8 * i);
  return head;
}

struct Str {
  std::uint32_t refs;
  std::uint32_t size : 31;
  std::uint32_t ascii : 1;
  char text[8];  // the real array is `size` long; zero behind a shorter text

  static Str* make(std::string_view text);
  static Str* make(std::string_view a, std::string_view b);
  std::string_view view() const { return {text, size}; }
  std::uint64_t head() const {
    std::uint64_t head;
    std::memcpy(&head, text, 8);
    return __builtin_bswap64(head);
  }
  bool is(std::string_view other, std::uint64_t other_head) const {
    return head() == other_head && size == other.size() && (size <= 8 || std::memcmp(text + 8, other.data() + 8, size - 8) == 0);
  }
  bool before(std::string_view other, std::uint64_t other_head) const {
    const std::uint64_t mine = head();
    return mine != other_head ? mine < other_head : view() < other;
  }
  static constexpr std::size_t header() { return offsetof(Str, text); }
};

class Value;

struct Entry;

struct Node {
  std::uint32_t refs;
  bool dict;
  bool frozen;
  bool shared;  // immortal and the same node for all objects of a run (memo.h)
  bool whole;   // shared: nothing undefined below
  std::uint32_t size;
  std::uint32_t capacity;
  std::uint32_t changes;  // counts structural changes, so that iterations notice them
  std::uint32_t weight;   // shared: how large all below is when written (resource_limit.h); saturates
  union {
    Value* items;
    Entry* entries;
  };

  static Node* make(bool dict, std::uint32_t capacity = 0);
  Node* shallow_copy() const;
  void weigh();  // sets `weight`; precondition: resources among the children are shared
  void destroy(Heap& heap);
  // dict
  std::uint32_t lower_bound(std::string_view key) const;
  Value* find(std::string_view key);
  Value& put(Str* key, Value value);  // new or replaced; takes its own reference to key
  bool erase(std::string_view key);
  // list
  void push_back(Value value);
  void insert(std::uint32_t index, Value value);
  void erase_at(std::uint32_t index);
  void reserve(std::uint32_t capacity);
};

class Value {
 public:
  Value() : tag_(Tag::none) { integer_ = 0; }
  Value(const Value& other) : tag_(other.tag_) {
    integer_ = other.integer_;
    retain();
  }
  Value(Value&& other) noexcept : tag_(other.tag_) {
    integer_ = other.integer_;
    other.tag_ = Tag::none;
  }
  Value& operator=(const Value& other) {
    Value copy(other);
    swap(copy);
    return *this;
  }
  Value& operator=(Value&& other) noexcept {
    swap(other);
    return *this;
  }
  ~Value() { release(); }

  static Value undef() { return Value(Tag::undef); }
  static Value null() { return Value(Tag::null); }
  static Value boolean(bool v) {
    Value r(Tag::boolean);
    r.boolean_ = v;
    return r;
  }
  static Value integer(std::int64_t v) {
    Value r(Tag::integer);
    r.integer_ = v;
    return r;
  }
  static Value real(double v) {
    Value r(Tag::real);
    r.real_ = v;
    return r;
  }
  static Value string(std::string_view v) { return adopt(Str::make(v)); }
  static Value adopt(Str* s) {
    Value r(Tag::string);
    r.str_ = s;
    return r;
  }
  static Value share(Str* s) {
    Value r = adopt(s);
    r.retain();
    return r;
  }
  static Value adopt(Node* n) {
    Value r(n->dict ? Tag::dict : Tag::list);
    r.node_ = n;
    return r;
  }
  static Value list(std::uint32_t capacity = 0) { return adopt(Node::make(false, capacity)); }
  static Value dict(std::uint32_t capacity = 0) { return adopt(Node::make(true, capacity)); }

  Tag tag() const { return tag_; }
  bool exists() const { return tag_ != Tag::none; }
  bool is_undef() const { return tag_ == Tag::undef; }
  bool is_null() const { return tag_ == Tag::null; }
  bool is_boolean() const { return tag_ == Tag::boolean; }
  bool is_integer() const { return tag_ == Tag::integer; }
  bool is_real() const { return tag_ == Tag::real; }
  bool is_string() const { return tag_ == Tag::string; }
  bool is_list() const { return tag_ == Tag::list; }
  bool is_dict() const { return tag_ == Tag::dict; }
  bool is_number() const { return tag_ == Tag::integer || tag_ == Tag::real; }
  bool is_resource() const { return tag_ >= Tag::list; }
  bool is_property() const { return tag_ >= Tag::boolean && tag_ <= Tag::string; }

  bool as_boolean() const { return boolean_; }
  std::int64_t as_integer() const { return integer_; }
  double as_real() const { return real_; }
  double as_number() const { return tag_ == Tag::integer ? static_cast<double>(integer_) : real_; }
  std::string_view as_string() const { return str_->view(); }
  Str* str() const { return str_; }
  Node* node() const { return node_; }
  bool same_node(const Value& other) const { return is_resource() && other.is_resource() && node_ == other.node_; }

  // The node, ready to be modified through this reference (copy on write). Precondition: a resource.
  Node* open();
  // Immutable from here down; open() copies when somebody else holds it.
  void freeze() const;
  // A deep copy as far as anybody could tell: frozen parts are shared, open parts with other holders are copied.
  Value duplicate() &&;
  // Marks everything below as readable by all threads for good; `shared`: also as the same for all objects of a run.
  void make_immortal(bool shared = false);

  void swap(Value& other) noexcept {
    std::swap(tag_, other.tag_);
    std::swap(integer_, other.integer_);
  }

 private:
  explicit Value(Tag tag) : tag_(tag) { integer_ = 0; }
  void retain() const {
    if (tag_ >= Tag::string) {
      // Str and Node both begin with their count.
      if (!(*refs_ & kImmortal)) ++*refs_;
    }
  }
  void release() {
    if (tag_ >= Tag::string && !(*refs_ & kImmortal) && --*refs_ == 0) destroy();
  }
  void destroy();

  Tag tag_;
  union {
    bool boolean_;
    std::int64_t integer_;
    double real_;
    Str* str_;
    Node* node_;
    std::uint32_t* refs_;
  };
};

struct Entry {
  Str* key;
  Value value;
};

// A copy that shares nothing, for values from another heap.
Value copy_to_current_heap(const Value& value);
// Value equality as Pan's index() needs it: types count (1 is not 1.0).
bool equal(const Value& a, const Value& b);
// A text that a template makes may not be longer (std::bad_alloc).
inline constexpr std::size_t kMostText = std::size_t{64} << 20;
// What to_string() gives: "[ 1, 2 ]", "{ a, 1 }", Java's text for doubles. Also used in messages.
std::string text_of(const Value& value);
void append_text(std::string& out, const Value& value);
// The same for messages: its beginning when it is long.
std::string short_text_of(const Value& value);

}  // namespace cdb::pan
