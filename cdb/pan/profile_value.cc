#include "cdb/pan/profile_value.h"

#include "cdb/pan/stack_guard.h"

namespace cdb::pan {

base::profile::Value to_profile(const Value& value) {
  switch (value.tag()) {
    case Tag::none:
    case Tag::undef:
    case Tag::null: return {};
    case Tag::boolean: return value.as_boolean();
    case Tag::integer: return value.as_integer();
    case Tag::real: return value.as_real();
    case Tag::string: return std::string(value.as_string());
    case Tag::list:
    case Tag::dict: break;
  }
  StackGuard::check();
  const Node* node = value.node();
  if (!node->dict) {
    base::profile::List list;
    list.reserve(node->size);
    for (std::uint32_t i = 0; i < node->size; ++i) list.push_back(to_profile(node->items[i]));
    return list;
  }
  base::profile::Dict dict;
  for (std::uint32_t i = 0; i < node->size; ++i)
    dict.emplace_hint(dict.end(), std::string(node->entries[i].key->view()), to_profile(node->entries[i].value));
  return dict;
}

const base::profile::CanonicalWriter& CanonicalScribe::write(const Value& root) {
  writer_.clear();
  write(root, true);
  return writer_;
}

void CanonicalScribe::forget() {
  known_.clear();
  bytes_ = 0;
}

// keep: not inside an element that is kept as a whole.
void CanonicalScribe::write(const Value& value, bool keep) {
  switch (value.tag()) {
    case Tag::none:
    case Tag::undef:
    case Tag::null: return writer_.null();
    case Tag::boolean: return writer_.boolean(value.as_boolean());
    case Tag::integer: return writer_.integer(value.as_integer());
    case Tag::real: return writer_.real(value.as_real());
    case Tag::string: return writer_.string(value.as_string());
    case Tag::list:
    case Tag::dict: break;
  }
  const Node& node = *value.node();
  if (!keep || !node.shared) return write_resource(node, keep);
  if (const auto known = known_.find(&node); known != known_.end()) return writer_.known(known->second);
  const auto mark = writer_.mark();
  write_resource(node, false);
  auto element = writer_.element(mark);
  if (bytes_ + element.text.size() > kMostBytes) return;
  bytes_ += element.text.size();
  known_.emplace(&node, std::move(element));
}

void CanonicalScribe::write_resource(const Node& node, bool keep) {
  StackGuard::check();
  if (node.dict) {
    writer_.begin_dict();
    for (std::uint32_t i = 0; i < node.size; ++i) {
      writer_.key(node.entries[i].key->view());
      write(node.entries[i].value, keep);
    }
  } else {
    writer_.begin_list();
    for (std::uint32_t i = 0; i < node.size; ++i) write(node.items[i], keep);
  }
  writer_.end();
}

}  // namespace cdb::pan
