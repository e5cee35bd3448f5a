#include "cdb/pan/value.h"

#include <algorithm>
#include <cstddef>
#include <new>
#include <vector>

#include "cdb/pan/java/java.h"
#include "cdb/pan/resource_limit.h"
#include "cdb/pan/stack_guard.h"
#include "cdb/pan/time_guard.h"

namespace cdb::pan {

namespace {

bool is_ascii(std::string_view text) {
  std::uint64_t bits = 0, word = 0;
  std::size_t i = 0;
  for (; i + 8 <= text.size(); i += 8) {
    std::memcpy(&word, text.data() + i, 8);
    bits |= word;
  }
  for (; i < text.size(); ++i) bits |= static_cast<unsigned char>(text[i]);
  return (bits & 0x8080808080808080u) == 0;
}

Str* allocate_str(std::size_t size) {
  if (size > kMostText) throw std::bad_alloc();
  auto* s = static_cast<Str*>(Heap::current().allocate(std::max(Str::header() + size, sizeof(Str))));
  s->refs = 1;
  s->size = static_cast<std::uint32_t>(size) & 0x7fffffffu;
  if (size < sizeof s->text) std::memset(s->text, 0, sizeof s->text);
  return s;
}

void release_str(Str* s) {
  if (s->refs & kImmortal || --s->refs != 0) return;
  Heap& heap = Heap::current();
  if (!heap.abandoned()) heap.release(s, std::max(Str::header() + s->size, sizeof(Str)));
}

std::size_t slot_size(bool dict) {
  return dict ? sizeof(Entry) : sizeof(Value);
}

}  // namespace

std::string_view tag_name(Tag tag) {
  switch (tag) {
    case Tag::none: return "nothing";
    case Tag::undef: return "undef";
    case Tag::null: return "null";
    case Tag::boolean: return "boolean";
    case Tag::integer: return "long";
    case Tag::real: return "double";
    case Tag::string: return "string";
    case Tag::list: return "list";
    case Tag::dict: return "nlist";
  }
  return "?";
}

Str* Str::make(std::string_view text) {
  Str* s = allocate_str(text.size());
  text.copy(s->text, text.size());
  s->ascii = is_ascii(text);
  return s;
}

Str* Str::make(std::string_view a, std::string_view b) {
  Str* s = allocate_str(a.size() + b.size());
  a.copy(s->text, a.size());
  b.copy(s->text + a.size(), b.size());
  s->ascii = is_ascii(s->view());
  return s;
}

Node* Node::make(bool dict, std::uint32_t capacity) {
  auto* n = static_cast<Node*>(Heap::current().allocate(sizeof(Node)));
  n->refs = 1;
  n->dict = dict;
  n->frozen = false;
  n->shared = false;
  n->whole = false;
  n->size = 0;
  n->capacity = 0;
  n->changes = 0;
  n->weight = 0;
  n->items = nullptr;
  if (capacity != 0) n->reserve(capacity);
  return n;
}

void Node::reserve(std::uint32_t wanted) {
  if (wanted <= capacity) return;
  Heap& heap = Heap::current();
  const std::size_t slot = slot_size(dict);
  void* fresh = heap.allocate(wanted * slot);
  // Values may be moved byte by byte: nothing points at them but their holder.
  if (size != 0) std::memcpy(fresh, static_cast<void*>(items), size * slot);
  if (capacity != 0) heap.release(items, capacity * slot);
  items = static_cast<Value*>(fresh);
  capacity = wanted;
}

Node* Node::shallow_copy() const {
  Node* copy = make(dict, std::max<std::uint32_t>(size, 2));
  copy->size = size;
  if (dict) {
    for (std::uint32_t i = 0; i < size; ++i) {
      Str* key = entries[i].key;
      if (!(key->refs & kImmortal)) ++key->refs;
      copy->entries[i].key = key;
      new (&copy->entries[i].value) Value(entries[i].value);
    }
  } else {
    for (std::uint32_t i = 0; i < size; ++i) new (&copy->items[i]) Value(items[i]);
  }
  return copy;
}

void Node::destroy(Heap& heap) {
  for (std::uint32_t i = 0; i < size; ++i) {
    if (dict) {
      release_str(entries[i].key);
      entries[i].value.~Value();
    } else {
      items[i].~Value();
    }
  }
  if (capacity != 0) heap.release(items, capacity * slot_size(dict));
  heap.release(this, sizeof(Node));
}

void Node::weigh() {
  std::int64_t sum = 0;
  for (std::uint32_t i = 0; i < size; ++i) {
    const Value& child = dict ? entries[i].value : items[i];
    sum += own_weight(child) + (dict ? entries[i].key->size : 0);
    if (child.is_resource()) sum += child.node()->weight;
  }
  weight = static_cast<std::uint32_t>(std::min<std::int64_t>(sum, UINT32_MAX));
}

std::uint32_t Node::lower_bound(std::string_view key) const {
  std::uint32_t low = 0, high = size;
  const std::uint64_t head = head_of(key);
  // Keys often arrive in order.
  if (high != 0 && entries[high - 1].key->before(key, head)) return high;
  while (low < high) {
    const std::uint32_t middle = (low + high) / 2;
    if (entries[middle].key->before(key, head))
      low = middle + 1;
    else
      high = middle;
  }
  return low;
}

Value* Node::find(std::string_view key) {
  const std::uint64_t head = head_of(key);
  if (size <= 8) {
    for (std::uint32_t i = 0; i < size; ++i)
      if (entries[i].key->is(key, head)) return &entries[i].value;
    return nullptr;
  }
  const std::uint32_t at = lower_bound(key);
  return at < size && entries[at].key->is(key, head) ? &entries[at].value : nullptr;
}

Value& Node::put(Str* key, Value value) {
  const std::uint32_t at = lower_bound(key->view());
  if (at < size && entries[at].key->view() == key->view()) {
    entries[at].value = std::move(value);
    return entries[at].value;
  }
  if (size == capacity) reserve(capacity == 0 ? 4 : capacity * 2);
  std::memmove(static_cast<void*>(entries + at + 1), static_cast<void*>(entries + at), (size - at) * sizeof(Entry));
  if (!(key->refs & kImmortal)) ++key->refs;
  entries[at].key = key;
  new (&entries[at].value) Value(std::move(value));
  ++size;
  ++changes;
  return entries[at].value;
}

bool Node::erase(std::string_view key) {
  const std::uint32_t at = lower_bound(key);
  if (at >= size || entries[at].key->view() != key) return false;
  release_str(entries[at].key);
  entries[at].value.~Value();
  std::memmove(static_cast<void*>(entries + at), static_cast<void*>(entries + at + 1), (size - at - 1) * sizeof(Entry));
  --size;
  ++changes;
  return true;
}

void Node::push_back(Value value) {
  if (size == capacity) reserve(capacity == 0 ? 4 : capacity * 2);
  new (&items[size]) Value(std::move(value));
  ++size;
  ++changes;
}

void Node::insert(std::uint32_t index, Value value) {
  if (size == capacity) reserve(capacity == 0 ? 4 : capacity * 2);
  std::memmove(static_cast<void*>(items + index + 1), static_cast<void*>(items + index), (size - index) * sizeof(Value));
  new (&items[index]) Value(std::move(value));
  ++size;
  ++changes;
}

void Node::erase_at(std::uint32_t index) {
  items[index].~Value();
  std::memmove(static_cast<void*>(items + index), static_cast<void*>(items + index + 1), (size - index - 1) * sizeof(Value));
  --size;
  ++changes;
}

void Value::destroy() {
  Heap& heap = Heap::current();
  if (heap.abandoned()) return;
  if (tag_ == Tag::string)
    heap.release(str_, std::max(Str::header() + str_->size, sizeof(Str)));
  else
    heap.bury(node_);
}

Node* Value::open() {
  if (!node_->frozen) return node_;
  if (node_->refs == 1) {
    node_->frozen = false;
    return node_;
  }
  *this = adopt(node_->shallow_copy());
  return node_;
}

void Value::freeze() const {
  if (!is_resource() || node_->frozen) return;
  static thread_local std::vector<Node*> todo;
  todo.clear();
  todo.push_back(node_);
  node_->frozen = true;
  while (!todo.empty()) {
    Node* n = todo.back();
    todo.pop_back();
    for (std::uint32_t i = 0; i < n->size; ++i) {
      Value& child = n->dict ? n->entries[i].value : n->items[i];
      if (child.is_resource() && !child.node_->frozen) {
        child.node_->frozen = true;
        todo.push_back(child.node_);
      }
    }
  }
}

Value Value::duplicate() && {
  if (!is_resource() || node_->frozen) return std::move(*this);
  StackGuard::check();
  if (node_->refs != 1) *this = adopt(node_->shallow_copy());
  for (std::uint32_t i = 0; i < node_->size; ++i) {
    Value& child = node_->dict ? node_->entries[i].value : node_->items[i];
    if (child.is_resource() && !child.node_->frozen) child = std::move(child).duplicate();
  }
  return std::move(*this);
}

void Value::make_immortal(bool shared) {
  if (tag_ < Tag::string) return;
  if (tag_ == Tag::string) {
    *refs_ = kImmortal;
    return;
  }
  freeze();
  std::vector<Value*> todo{this};
  std::vector<Node*> nodes;  // parents before their children
  while (!todo.empty()) {
    Value* v = todo.back();
    todo.pop_back();
    if (v->tag_ < Tag::string || *v->refs_ & kImmortal) continue;
    *v->refs_ = kImmortal;
    if (!v->is_resource()) continue;
    Node* n = v->node_;
    nodes.push_back(n);
    for (std::uint32_t i = 0; i < n->size; ++i) {
      if (n->dict) n->entries[i].key->refs = kImmortal;
      todo.push_back(n->dict ? &n->entries[i].value : &n->items[i]);
    }
  }
  if (!shared) return;
  for (auto at = nodes.rbegin(); at != nodes.rend(); ++at) {
    Node* n = *at;
    n->shared = true;
    n->whole = true;
    for (std::uint32_t i = 0; i < n->size; ++i) {
      const Value& child = n->dict ? n->entries[i].value : n->items[i];
      if (child.is_undef() || child.is_null() || (child.is_resource() && !child.node_->whole)) n->whole = false;
    }
    n->weigh();
  }
}

Value copy_to_current_heap(const Value& value) {
  if (value.is_string()) return Value::string(value.as_string());
  if (!value.is_resource()) return value;
  StackGuard::check();
  TimeGuard::tick();
  const Node* from = value.node();
  Value result = from->dict ? Value::dict(from->size) : Value::list(from->size);
  Node* to = result.node();
  for (std::uint32_t i = 0; i < from->size; ++i) {
    if (from->dict) {
      const Value key = Value::string(from->entries[i].key->view());
      to->put(key.str(), copy_to_current_heap(from->entries[i].value));
    } else {
      to->push_back(copy_to_current_heap(from->items[i]));
    }
  }
  return result;
}

bool equal(const Value& a, const Value& b) {
  if (a.tag() != b.tag()) return false;
  switch (a.tag()) {
    case Tag::none:
    case Tag::undef:
    case Tag::null: return true;
    case Tag::boolean: return a.as_boolean() == b.as_boolean();
    case Tag::integer: return a.as_integer() == b.as_integer();
    // As java.lang.Double.equals: by bits, all NaN alike.
    case Tag::real: {
      const double x = a.as_real(), y = b.as_real();
      return (x != x && y != y) || std::memcmp(&x, &y, sizeof x) == 0;
    }
    case Tag::string: return a.as_string() == b.as_string();
    case Tag::list:
    case Tag::dict: break;
  }
  const Node *x = a.node(), *y = b.node();
  if (x == y) return true;
  if (x->size != y->size) return false;
  StackGuard::check();
  TimeGuard::tick();
  for (std::uint32_t i = 0; i < x->size; ++i) {
    if (x->dict) {
      if (x->entries[i].key->view() != y->entries[i].key->view()) return false;
      if (!equal(x->entries[i].value, y->entries[i].value)) return false;
    } else if (!equal(x->items[i], y->items[i])) {
      return false;
    }
  }
  return true;
}

namespace {

// False when `most` bytes are reached: the rest is left out. Shared parts are written as often as they are met.
bool append_limited(std::string& out, const Value& value, std::size_t most) {
  TimeGuard::tick();
  switch (value.tag()) {
    case Tag::none: break;
    case Tag::undef: out += "undef"; break;
    case Tag::null: out += "null"; break;
    case Tag::boolean: out += value.as_boolean() ? "true" : "false"; break;
    case Tag::integer: out += std::to_string(value.as_integer()); break;
    case Tag::real: out += java::double_text(value.as_real()); break;
    case Tag::string:
      if (value.as_string().size() > most) return false;
      out += value.as_string();
      break;
    case Tag::list:
    case Tag::dict: {
      StackGuard::check();
      const Node* n = value.node();
      out += n->dict ? "{ " : "[ ";
      for (std::uint32_t i = 0; i < n->size; ++i) {
        if (i != 0) out += ", ";
        if (n->dict) {
          out += n->entries[i].key->view();
          out += ", ";
        }
        if (!append_limited(out, n->dict ? n->entries[i].value : n->items[i], most)) return false;
      }
      out += n->dict ? " }" : " ]";
    }
  }
  return out.size() <= most;
}

}  // namespace

void append_text(std::string& out, const Value& value) {
  if (!append_limited(out, value, kMostText)) throw std::bad_alloc();
}

std::string text_of(const Value& value) {
  std::string out;
  append_text(out, value);
  return out;
}

std::string short_text_of(const Value& value) {
  constexpr std::size_t kMost = 64 << 10;
  if (value.is_string()) return shortened(std::string(value.as_string()), kMost);
  std::string out;
  return append_limited(out, value, kMost) ? out : shortened(std::move(out), kMost);
}

}  // namespace cdb::pan
