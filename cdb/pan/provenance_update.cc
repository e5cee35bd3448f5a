// Comparing what stands at a place with what stood there, and what of it counts as set.
#include "cdb/pan/provenance_update.h"

#include <algorithm>
#include <tuple>

#include "cdb/pan/stack_guard.h"

namespace cdb::pan {

namespace {

using How = Origin::How;

}  // namespace

void Provenance::add(Shadow& shadow, How how, const Value& value, const Update& u) {
  Setting setting;
  setting.how = how;
  setting.event = u.event;
  setting.value = value;
  if (how == How::set || how == How::edited) setting.line = line_of(value, u);
  if (u.type_of && how == How::set) {
    setting.how = How::filled;
    setting.from_type = u.type_of(u.relative);
  }
  shadow.history.push_back(std::move(setting));
}

std::optional<Provenance::Line> Provenance::line_of(const Value& value, const Update& u) const {
  if (u.active == nullptr) return std::nullopt;
  const Active& active = *u.active;
  // The last assignment to this element or one above it.
  std::uint32_t best = 0;
  std::optional<Line> line = u.inherited;
  std::size_t depth = u.inherited ? u.inherited_at : 0;
  for (std::size_t end = 0; !active.stored.empty() && end <= u.relative.size(); ++end) {
    if (end != u.relative.size() && u.relative[end] != '/') continue;
    const auto found = active.stored.find(std::string_view(u.relative).substr(0, end));
    if (found == active.stored.end() || found->second.first < best || (u.inherited && end <= depth)) continue;
    best = found->second.first;
    line = found->second.second;
  }
  // An element appended to a list, or something in one.
  for (std::size_t begin = 0; !active.appended.empty() && begin <= u.relative.size();) {
    const std::size_t end = std::min(u.relative.find('/', begin), u.relative.size());
    const std::string_view list = begin == 0 ? std::string_view() : std::string_view(u.relative).substr(0, begin - 1);
    if (const auto found = active.appended.find(list); found != active.appended.end()) {
      const std::string term = u.relative.substr(begin, end - begin);
      for (const auto& [size, place] : found->second)
        if (std::to_string(size) == term) line = place;
    }
    begin = end + 1;
  }
  if (line) return line;
  if (!value.is_resource() && u.relative.empty() && active.returned_line && equal(active.returned, value))
    return active.returned_line;
  return std::nullopt;
}

void Provenance::remove(Shadow& shadow, const Update& u) {
  StackGuard::check();
  if (shadow.present()) add(shadow, How::removed, {}, u);
  for (auto& [key, below] : shadow.fields) remove(*below, u);
  shadow.items.clear();
}

const Provenance::Shadow* Provenance::structure_of(const Value& value, const Update& u) const {
  if (const auto found = by_node_.find(value.node()); found != by_node_.end()) return found->second.shadow;
  if (u.active == nullptr || !value.is_dict()) return nullptr;
  // A structure that was edited since: the one made by this statement that most of it comes from.
  const Shadow* best = nullptr;
  std::size_t most = 0;
  for (const Value& held : u.active->held) {
    const auto made = held.is_dict() ? by_node_.find(held.node()) : by_node_.end();
    if (made == by_node_.end() || made->second.shadow->history.empty()) continue;
    std::size_t same = 0;
    const Node* node = held.node();
    for (std::uint32_t i = 0; i < node->size; ++i) {
      const Value* now = value.node()->find(node->entries[i].key->view());
      if (now != nullptr && equal(*now, node->entries[i].value)) ++same;
    }
    if (same <= most || same * 2 < node->size) continue;
    most = same;
    best = made->second.shadow;
  }
  return best;
}

void Provenance::graft(Shadow& shadow, const Shadow& made, const Update& u) {
  StackGuard::check();
  for (const Setting& setting : made.history) {
    Setting copy = setting;
    copy.placed.push_back(u.event);
    shadow.history.push_back(std::move(copy));
  }
  for (auto& [key, old] : shadow.fields)
    if (!made.fields.contains(key)) remove(*old, u);
  for (const auto& [key, below] : made.fields) graft(field_shadow(shadow, key), *below, u);
  shadow.items.resize(std::min(shadow.items.size(), made.items.size()));
  for (std::size_t i = 0; i < made.items.size(); ++i) graft(*item_shadow(shadow.items, i), *made.items[i], u);
}

void Provenance::update(Shadow& shadow, const Value& before, const Value& after, Update& u) {
  StackGuard::check();
  if (!u.overwrite && before.same_node(after)) return;
  if (!after.exists()) {
    if (before.exists() || shadow.present()) remove(shadow, u);
    return;
  }
  if (!after.is_resource()) {
    if (u.overwrite || !before.exists() || !equal(before, after)) {
      for (auto& [key, below] : shadow.fields) remove(*below, u);
      shadow.items.clear();
      add(shadow, How::set, after, u);
    }
    return;
  }
  const auto outer = std::pair(u.inherited, u.inherited_at);
  if (u.active != nullptr)
    if (const auto found = u.active->by_function.find(after.node()); found != u.active->by_function.end()) {
      u.inherited = found->second;
      u.inherited_at = u.relative.size();
    }
  update_resource(shadow, before, after, u);
  std::tie(u.inherited, u.inherited_at) = outer;
}

void Provenance::update_resource(Shadow& shadow, const Value& before, const Value& after, Update& u) {
  const bool same_kind = before.is_resource() && before.tag() == after.tag();
  if (!same_kind || u.overwrite) {
    if (const Shadow* made = structure_of(after, u)) {
      graft(shadow, *made, u);
      const auto whole = by_node_.find(after.node());
      if (whole != by_node_.end() && !whole->second.open) return;
      // Edited after create(): what differs is this statement's.
      const bool overwrite = std::exchange(u.overwrite, false);
      for (const auto& [key, below] : made->fields) {
        const Value* now = after.node()->find(key);
        Shadow& at = field_shadow(shadow, key);
        const std::string relative = std::exchange(u.relative, path_below(u.relative, key));
        Value then = below->history.empty() || !below->present() ? Value() : below->history.back().value;
        if (then.is_resource() && !by_node_.contains(then.node())) then = {};
        update(at, then, now == nullptr ? Value() : *now, u);
        u.relative = relative;
      }
      for (std::uint32_t i = 0; i < after.node()->size; ++i) {
        const std::string_view key = after.node()->entries[i].key->view();
        if (made->fields.contains(key)) continue;
        const std::string relative = std::exchange(u.relative, path_below(u.relative, key));
        update(field_shadow(shadow, key), {}, after.node()->entries[i].value, u);
        u.relative = relative;
      }
      u.overwrite = overwrite;
      return;
    }
    add(shadow, How::set, after, u);
  }
  if (after.is_list()) {
    for (auto& [key, below] : shadow.fields) remove(*below, u);
    update_list(shadow, before, after, u);
    return;
  }
  shadow.items.clear();
  const Node* node = after.node();
  Node* old = same_kind ? before.node() : nullptr;
  for (auto& [key, below] : shadow.fields)
    if (const_cast<Node*>(node)->find(key) == nullptr) remove(*below, u);
  for (std::uint32_t i = 0; i < node->size; ++i) {
    const std::string_view key = node->entries[i].key->view();
    const Value* then = old == nullptr ? nullptr : old->find(key);
    const std::string relative = std::exchange(u.relative, path_below(u.relative, key));
    update(field_shadow(shadow, key), then == nullptr ? Value() : *then, node->entries[i].value, u);
    u.relative = relative;
  }
}

// Elements that are equal at both ends are the same ones, moved perhaps.
void Provenance::update_list(Shadow& shadow, const Value& before, const Value& after, Update& u) {
  const Node* now = after.node();
  const Node* then = before.is_list() ? before.node() : nullptr;
  const std::uint32_t size = now->size, old_size = then == nullptr ? 0 : then->size;
  std::uint32_t head = 0, tail = 0;
  if (!u.overwrite) {
    while (head < size && head < old_size && equal(now->items[head], then->items[head])) ++head;
    while (tail < size - head && tail < old_size - head && equal(now->items[size - 1 - tail], then->items[old_size - 1 - tail]))
      ++tail;
    if (size < old_size || (tail != 0 && size != old_size)) add(shadow, How::edited, after, u);
  }
  item_shadow(shadow.items, std::max(old_size, 1u) - 1);
  shadow.items.resize(old_size);
  const std::uint32_t changed = size - head - tail, old_changed = old_size - head - tail;
  const std::uint32_t both = std::min(changed, old_changed);
  const auto middle = shadow.items.begin() + head + both;
  if (changed < old_changed) shadow.items.erase(middle, middle + (old_changed - changed));
  for (std::uint32_t i = both; i < changed; ++i) shadow.items.insert(shadow.items.begin() + head + i, std::make_unique<Shadow>());
  for (std::uint32_t i = 0; i < changed; ++i) {
    const std::uint32_t index = head + i;
    const std::string relative = std::exchange(u.relative, path_below(u.relative, std::to_string(index)));
    update(*shadow.items[index], i < both ? then->items[index] : Value(), now->items[index], u);
    u.relative = relative;
  }
}

}  // namespace cdb::pan
