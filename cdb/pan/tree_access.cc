// Reading and writing below a value by terms: what paths and indexed variables do.
#include <fmt/format.h>

#include "cdb/pan/evaluator.h"

namespace cdb::pan {

namespace {

// A list padded further than this is a mistake, not a configuration.
constexpr std::int64_t kLongestGap = 1'000'000;

[[noreturn]] void wrong_term(const Value& resource, const Term& term) {
  raise_evaluation(resource.is_dict()
                       ? fmt::format("an nlist has no element with the index {}; its keys are strings", term.text())
                       : fmt::format("a list has no element with the key '{}'; its indices are numbers", term.text()));
}

Value container_for(const Term& term) {
  return term.is_key() ? Value::dict() : Value::list();
}

}  // namespace

void check_replacement(const Value& before, const Value& after) {
  if (before.tag() <= Tag::null || after.tag() <= Tag::null || before.tag() == after.tag()) return;
  raise_evaluation(fmt::format("existing element of type {} cannot be replaced by one of type {}", tag_name(before.tag()),
                               tag_name(after.tag())));
}

Value* child_of(const Value& resource, const Term& term) {
  Node* node = resource.node();
  if (node->dict) {
    if (!term.is_key()) wrong_term(resource, term);
    return node->find(term.key.as_string());
  }
  if (term.is_key()) wrong_term(resource, term);
  std::int64_t index = term.index;
  if (index < 0) index += node->size;
  return index >= 0 && index < node->size ? &node->items[index] : nullptr;
}

const Value* follow(const Value& start, const Term* terms, std::uint32_t count, bool lookup) {
  const Value* at = &start;
  for (std::uint32_t i = 0; i < count; ++i) {
    if (!at->is_resource()) {
      if (lookup) return nullptr;
      raise_evaluation(
          fmt::format("element of type {} has no children (looking for '{}')", tag_name(at->tag()), terms[i].text()));
    }
    at = child_of(*at, terms[i]);
    if (at == nullptr) return nullptr;
  }
  return at;
}

void put_child(Value& resource, const Term& term, Value value) {
  const bool erase = value.tag() == Tag::none || value.is_null();
  if (resource.is_dict()) {
    if (!term.is_key()) wrong_term(resource, term);
    Node* node = resource.open();
    if (erase) {
      node->erase(term.key.as_string());
      return;
    }
    if (Value* old = node->find(term.key.as_string())) {
      check_replacement(*old, value);
      *old = std::move(value);
    } else {
      node->put(term.key.str(), std::move(value));
    }
    return;
  }
  if (term.is_key()) wrong_term(resource, term);
  Node* node = resource.open();
  std::int64_t index = term.index;
  if (index < 0) {
    if (index < -static_cast<std::int64_t>(node->size))
      raise_evaluation(
          fmt::format("the negative list index {} lies before the beginning (lowest allowed: -{})", index, node->size));
    index += node->size;
  }
  if (erase) {
    if (index < node->size) node->erase_at(static_cast<std::uint32_t>(index));
  } else if (index < node->size) {
    check_replacement(node->items[index], value);
    node->items[index] = std::move(value);
  } else {
    if (index - node->size > kLongestGap)
      raise_evaluation(fmt::format("the list index {} lies more than {} behind the end of the list", index, kLongestGap));
    while (node->size < index) node->push_back(Value::undef());
    node->push_back(std::move(value));
  }
}

void put_at(Value& start, const Term* terms, std::uint32_t count, Value value) {
  Value* at = &start;
  for (std::uint32_t i = 0; i < count; ++i) {
    if (!at->is_resource()) raise_evaluation(fmt::format("cannot add child to element of type {}", tag_name(at->tag())));
    if (i + 1 == count) break;
    at->open();
    Value* child = child_of(*at, terms[i]);
    if (child == nullptr || child->is_undef()) {
      put_child(*at, terms[i], container_for(terms[i + 1]));
      child = child_of(*at, terms[i]);
    }
    at = child;
  }
  put_child(*at, terms[count - 1], std::move(value));
}

Value* slot_at(Value& start, const Term* terms, std::uint32_t count, Node*& parent) {
  Value* at = &start;
  parent = nullptr;
  for (std::uint32_t i = 0; i < count; ++i) {
    if (!at->is_resource()) raise_evaluation(fmt::format("cannot add child to element of type {}", tag_name(at->tag())));
    parent = at->open();
    Value* child = child_of(*at, terms[i]);
    if (child == nullptr || (child->is_undef() && i + 1 < count)) {
      put_child(*at, terms[i], i + 1 < count ? container_for(terms[i + 1]) : Value::undef());
      child = child_of(*at, terms[i]);
    }
    at = child;
  }
  return at;
}

}  // namespace cdb::pan
