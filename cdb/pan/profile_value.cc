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

}  // namespace cdb::pan
