// Defaults of types: which value a missing element gets, and filling it in below what is there.
#include "cdb/pan/evaluator.h"
#include "cdb/pan/stack_guard.h"
#include "cdb/pan/time_guard.h"
#include "cdb/pan/type.h"

namespace cdb::pan {

namespace {

const FullType& known_type(Evaluator& evaluator, Symbol name) {
  const FullType* type = evaluator.context()->find_type(name);
  if (type == nullptr) raise_evaluation("type '" + std::string(evaluator.names().text(name)) + "' is not defined");
  return *type;
}

Value find_base_default(const BaseType& type, Evaluator& evaluator) {
  switch (type.kind) {
    case BaseType::Kind::alias: return find_default(known_type(evaluator, type.name), evaluator);
    case BaseType::Kind::record:
      for (const auto& include : type.includes)
        if (Value found = find_default(known_type(evaluator, include.name), evaluator); found.exists()) return found;
      return {};
    default: return {};
  }
}

// True when `self` changed.
bool fill_base(const BaseType& type, Evaluator& evaluator, Value& self);
bool fill_plain(const BaseType& type, Evaluator& evaluator, Value& self);

bool fill(const FullType& type, Evaluator& evaluator, Value& self) {
  StackGuard::check();
  return fill_base(*type.base, evaluator, self);
}

bool fill_children(const BaseType& type, Evaluator& evaluator, Value& self) {
  bool changed = false;
  for (std::uint32_t i = 0; i < self.node()->size; ++i) {
    TimeGuard::tick();
    const Node* node = self.node();
    Value child = node->dict ? node->entries[i].value : node->items[i];
    bool child_changed = false;
    if (child.is_undef()) {
      if (Value found = find_base_default(*type.element, evaluator); found.exists()) {
        child = std::move(found);
        child_changed = true;
      }
    }
    child_changed = fill_base(*type.element, evaluator, child) || child_changed;
    if (!child_changed) continue;
    Node* open = self.open();
    (open->dict ? open->entries[i].value : open->items[i]) = std::move(child);
    changed = true;
  }
  return changed;
}

bool fill_record(const BaseType& type, Evaluator& evaluator, Value& self) {
  bool changed = false;
  for (const auto& include : type.includes) changed = fill(known_type(evaluator, include.name), evaluator, self) || changed;
  auto field = [&](const BaseType::Field& f, bool required) {
    const Value* found = self.node()->find(f.key->view());
    if (found == nullptr && !required) return;
    Value child = found != nullptr ? *found : Value();
    bool child_changed = false;
    if (!child.exists() || child.is_undef()) {
      Value value = find_default(*f.type, evaluator);
      if (!value.exists()) {
        if (required) return;
      } else {
        child = std::move(value);
        child_changed = true;
      }
    }
    child_changed = fill(*f.type, evaluator, child) || child_changed;
    if (!child_changed) return;
    self.open()->put(f.key, std::move(child));
    changed = true;
  };
  for (const auto& f : type.required) field(f, true);
  for (const auto& f : type.optional) field(f, false);
  return changed;
}

bool fill_base(const BaseType& type, Evaluator& evaluator, Value& self) {
  ObjectContext& context = *evaluator.context();
  const bool resource =
      type.kind == BaseType::Kind::list || type.kind == BaseType::Kind::dict || type.kind == BaseType::Kind::record;
  if (!resource || !self.is_resource() || !self.node()->shared || !remembers(context)) return fill_plain(type, evaluator, self);
  const Memo::Key key{&type, self.node(), context.environment, Memo::Part::defaults};
  if (const Value* known = context.memo->find(key, context, nullptr)) {
    const bool changed = !known->same_node(self);
    if (changed) self = *known;
    return changed;
  }
  Recorder recorder(context, key, nullptr);
  const bool changed = fill_plain(type, evaluator, self);
  if (changed) self.freeze();
  recorder.keep(self);
  return changed;
}

bool fill_plain(const BaseType& type, Evaluator& evaluator, Value& self) {
  switch (type.kind) {
    case BaseType::Kind::alias: return fill(known_type(evaluator, type.name), evaluator, self);
    case BaseType::Kind::list: return self.is_list() && fill_children(type, evaluator, self);
    case BaseType::Kind::dict: return self.is_dict() && fill_children(type, evaluator, self);
    case BaseType::Kind::record: return self.is_dict() && fill_record(type, evaluator, self);
    case BaseType::Kind::link: {
      if (evaluator.context()->recording != nullptr) evaluator.context()->recording->give_up();
      if (!self.is_string()) return false;
      try {
        const HeldPath held(parse_path(self.as_string()));
        const Path& path = *held;
        Value target = evaluator.element(path, true);
        if (path.type == Path::Type::absolute && !path.terms.empty() && target.exists() &&
            fill_base(*type.element, evaluator, target))
          put_at(evaluator.context()->root, path.terms.data(), static_cast<std::uint32_t>(path.terms.size()), std::move(target));
      } catch (const Failure&) {
        // A link that leads nowhere is reported by its validation.
      }
      return false;
    }
    default: return false;
  }
}

}  // namespace

Value find_default(const FullType& type, Evaluator& evaluator) {
  StackGuard::check();
  if (type.default_value.exists()) return type.default_value;
  return find_base_default(*type.base, evaluator);
}

void set_defaults(const FullType& type, Evaluator& evaluator, Value& self) {
  fill(type, evaluator, self);
}

}  // namespace cdb::pan
