// Paths and their terms, template names, escaping: the lexical rules of Pan's names. Used by cdb/pan. Pure; keys are allocated in
// the current Heap. Wrong texts throw Failure (problem.h) without a place; callers add theirs.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "cdb/pan/value.h"

namespace cdb::pan {

// One step: a dict key or a list index (negative counts from the end).
struct Term {
  Value key;  // string; none when this is an index
  std::int32_t index = 0;
  bool is_key() const { return key.exists(); }
  std::string text() const { return is_key() ? std::string(key.as_string()) : std::to_string(index); }
};

// Refers to terms and names in a heap: one parse_path() made it there, it may be copied freely while that memory lives.
struct Path {
  enum class Type : std::uint8_t { relative, absolute, external };
  Type type = Type::relative;
  std::string_view authority;  // external: the other object
  std::span<const Term> terms;
  std::string text() const;
};

// Its keys may be read by any thread for good: for who parsed it, before others see it.
void make_immortal(const Path& path);

// A path worked out while templates run: gives its memory back to the current heap.
class HeldPath {
 public:
  HeldPath() = default;
  explicit HeldPath(const Path& path) : path_(path) {}
  HeldPath(HeldPath&& other) noexcept : path_(std::exchange(other.path_, {})) {}
  HeldPath& operator=(HeldPath&& other) noexcept {
    std::swap(path_, other.path_);
    return *this;
  }
  ~HeldPath();
  const Path& operator*() const { return path_; }
  const Path* operator->() const { return &path_; }

 private:
  Path path_;
};

// Longer paths first, then by terms: the order in which bindings apply.
bool binding_order(const Path& a, const Path& b);

Term make_term(Str* text);  // "{raw}" is escaped, digits make an index
Term make_term(std::int64_t index);
Term make_term(const Value& value);

// In the current heap. any_relative: a relative path may begin with an index (below a prefix).
Path parse_path(std::string_view text, bool any_relative = false);

std::string escape(std::string_view raw);
std::string unescape(std::string_view escaped);

bool valid_template_name(std::string_view name);  // object and structure names, if_exists
bool valid_include_name(std::string_view name);   // include statements

}  // namespace cdb::pan
