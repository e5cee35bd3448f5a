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

void write_canonical(base::profile::CanonicalWriter& writer, const Value& value) {
  switch (value.tag()) {
    case Tag::none:
    case Tag::undef:
    case Tag::null: return writer.null();
    case Tag::boolean: return writer.boolean(value.as_boolean());
    case Tag::integer: return writer.integer(value.as_integer());
    case Tag::real: return writer.real(value.as_real());
    case Tag::string: return writer.string(value.as_string());
    case Tag::list:
    case Tag::dict: break;
  }
  StackGuard::check();
  const Node* node = value.node();
  if (node->dict) {
    writer.begin_dict();
    for (std::uint32_t i = 0; i < node->size; ++i) {
      writer.key(node->entries[i].key->view());
      write_canonical(writer, node->entries[i].value);
    }
  } else {
    writer.begin_list();
    for (std::uint32_t i = 0; i < node->size; ++i) write_canonical(writer, node->items[i]);
  }
  writer.end();
}

}  // namespace cdb::pan
