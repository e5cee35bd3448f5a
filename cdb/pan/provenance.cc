#include "cdb/pan/provenance_update.h"

#include <algorithm>

#include "base/text/text.h"
#include "cdb/pan/builtin.h"
#include "cdb/pan/evaluator.h"
#include "cdb/pan/stack_guard.h"

namespace cdb::pan {

namespace {

using How = Origin::How;

std::string joined(const Term* terms, std::uint32_t count) {
  std::string out;
  for (std::uint32_t i = 0; i < count; ++i) out = path_below(out, terms[i].text());
  return out;
}

// The child a term leads to; null pointer when there is none or the term is of the wrong kind.
const Value* child(const Value& value, const Term& term) {
  if (!value.is_resource() || value.is_dict() != term.is_key()) return nullptr;
  return child_of(value, term);
}

const Value* look(const Value& start, const Term* terms, std::uint32_t count) {
  const Value* at = &start;
  for (std::uint32_t i = 0; at != nullptr && i < count; ++i) at = child(*at, terms[i]);
  return at;
}

bool is_assignment(const Statement& s) {
  using Kind = Statement::Kind;
  return s.kind == Kind::assign || s.kind == Kind::assign_constant || s.kind == Kind::assign_delete;
}

bool is_variable(const Statement& s) {
  return s.kind == Statement::Kind::variable || s.kind == Statement::Kind::variable_constant;
}

bool starts_with(const Path& path, const Path& start) {
  if (path.terms.size() < start.terms.size()) return false;
  for (std::size_t i = 0; i < start.terms.size(); ++i)
    if (path.terms[i].text() != start.terms[i].text()) return false;
  return true;
}

// May the block hand on what stands at its own path? Then elements that are equal afterwards were not set by it.
bool keeps(const Op& op, const Path& path) {
  StackGuard::check();
  switch (op.kind) {
    case OpKind::self:
    case OpKind::target_self:
    case OpKind::list_target_self:
    case OpKind::call: return true;
    case OpKind::builtin:
      if (std::string_view(op.function->name) != "value") break;
      if (op.path == nullptr || starts_with(*op.path, path) || starts_with(path, *op.path)) return true;
      break;
    default: break;
  }
  for (std::uint32_t i = 0; i < op.count; ++i)
    if (op.args != nullptr && op.args[i] != nullptr && keeps(*op.args[i], path)) return true;
  return false;
}

std::vector<std::string> split_terms(const std::string& relative) {
  return relative.empty() ? std::vector<std::string>() : base::text::split(relative, '/');
}

template <class Each>
void walk(const Op& op, const Each& each) {
  StackGuard::check();
  each(op);
  for (std::uint32_t i = 0; i < op.count; ++i)
    if (op.args != nullptr && op.args[i] != nullptr) walk(*op.args[i], each);
}

}  // namespace

bool Provenance::Shadow::present() const {
  for (auto at = history.rbegin(); at != history.rend(); ++at)
    if (at->how != How::kept) return at->how != How::removed;
  return false;
}

Provenance::Provenance() = default;

Provenance::~Provenance() = default;

void Provenance::begin(ObjectContext& context) {
  context_ = &context;
  root_ = std::make_unique<Shadow>();
  Event event;
  event.kind = Event::Kind::initial;
  if (context.root.node()->size == 0) return;
  Update u{.event = add_event(std::move(event)), .overwrite = true, .active = nullptr, .relative = {}, .type_of = {}};
  update(*root_, {}, context.root, u);
}

void Provenance::end() {
  root_.reset();
  frames_.clear();
  left_.reset();
  structures_.clear();
  by_node_.clear();
  active_.clear();
  events_.clear();
  binding_before_ = {};
  context_ = nullptr;
}

std::uint32_t Provenance::add_event(Event event) {
  events_.push_back(std::move(event));
  return static_cast<std::uint32_t>(events_.size() - 1);
}

Provenance::Shadow& Provenance::root_for(const Path& path) {
  return path.type == Path::Type::relative && !frames_.empty() ? *frames_.back() : *root_;
}

void Provenance::uses(const Statement& s, Event& event) {
  if (s.block.op == nullptr) return;
  auto known = [&](Origin::Use::Kind kind, std::string_view name) {
    return std::any_of(event.uses.begin(), event.uses.end(),
                       [&](const Event::Use& use) { return use.kind == kind && use.name == name; });
  };
  walk(*s.block.op, [&](const Op& op) {
    if (op.kind == OpKind::variable) {
      const std::string_view name = context_->names.text(op.name);
      const auto set = variables_.find(op.name);
      if (set == variables_.end() || known(Origin::Use::Kind::variable, name)) return;
      event.uses.push_back({Origin::Use::Kind::variable, std::string(name), events_[set->second].place()});
    } else if (op.kind == OpKind::call) {
      const std::string_view name = context_->names.text(op.name);
      const Function* function = context_->find_function(op.name);
      if (function == nullptr || known(Origin::Use::Kind::function, name)) return;
      event.uses.push_back(
          {Origin::Use::Kind::function, std::string(name), {function->owner->source, function->statement->span}});
    } else if (op.kind == OpKind::builtin && op.path != nullptr && std::string_view(op.function->name) == "value") {
      const std::string name = op.path->text();
      if (known(Origin::Use::Kind::path, name)) return;
      Place place;
      const Shadow* at = op.path->type == Path::Type::external ? nullptr : &root_for(*op.path);
      for (const Term& term : op.path->terms) {
        if (at == nullptr) break;
        if (term.is_key()) {
          const auto found = at->fields.find(term.text());
          at = found == at->fields.end() ? nullptr : found->second.get();
        } else {
          at = term.index >= 0 && static_cast<std::size_t>(term.index) < at->items.size()
                   ? at->items[static_cast<std::size_t>(term.index)].get()
                   : nullptr;
        }
      }
      if (at != nullptr)
        for (auto set = at->history.rbegin(); set != at->history.rend(); ++set)
          if (set->how == How::set || set->how == How::made) {
            place = events_[set->event].place();
            break;
          }
      event.uses.push_back({Origin::Use::Kind::path, name, std::move(place)});
    }
  });
}

Provenance::Event Provenance::statement_event(const Statement& s) {
  Event event;
  event.statement = &s;
  event.owner = context_->current;
  event.span = s.span;
  // Statements of one template share their chain.
  const auto& calls = context_->calls;
  auto same = [](const CallStep& a, const CallStep& b) {
    return a.caller == b.caller && a.span.begin == b.span.begin && a.name == b.name;
  };
  if (!events_.empty() && events_.back().chain != nullptr &&
      std::equal(calls.begin(), calls.end(), events_.back().chain->begin(), events_.back().chain->end(), same))
    event.chain = events_.back().chain;
  else
    event.chain = std::make_shared<const std::vector<CallStep>>(calls.begin(), calls.end());
  return event;
}

void Provenance::before(const Statement& s) {
  auto active = std::make_unique<Active>();
  active->statement = &s;
  if (is_assignment(s)) {
    const Value& tree = context_->tree(s.path);
    const auto count = static_cast<std::uint32_t>(s.path.terms.size());
    if (const Value* now = look(tree, s.path.terms.data(), count)) {
      now->freeze();
      active->before = *now;
    }
    if (count != 0 && !s.path.terms.back().is_key())
      if (const Value* list = look(tree, s.path.terms.data(), count - 1); list != nullptr && list->is_list())
        active->parent_size = list->node()->size;
  } else if (is_variable(s)) {
    if (const Global* global = context_->find_global(s.name)) active->before = global->value;
  }
  active_.push_back(std::move(active));
}

void Provenance::after(const Statement& s, bool failed) {
  const std::unique_ptr<Active> active = std::move(active_.back());
  active_.pop_back();
  if (failed) return;
  if (is_variable(s)) {
    if (s.conditional && active->before.exists() && !active->before.is_undef()) return;
    Event event = statement_event(s);
    uses(s, event);
    variables_[s.name] = add_event(std::move(event));
  } else if (is_assignment(s)) {
    settle(s, *active);
  }
}

// Compares what stands at the statement's path with what stood there.
void Provenance::settle(const Statement& s, Active& active) {
  const Value& tree = context_->tree(s.path);
  if (s.path.type == Path::Type::relative) tree.freeze();
  const auto count = static_cast<std::uint32_t>(s.path.terms.size());
  const bool was = active.before.exists() && !active.before.is_undef();
  Event made = statement_event(s);
  if (!(s.conditional && was)) uses(s, made);
  const std::uint32_t event = add_event(std::move(made));
  Update u{.event = event, .overwrite = false, .active = &active, .relative = {}, .type_of = {}};
  Shadow* at = &root_for(s.path);
  const Value* now = &tree;
  if (!at->present() && tree.exists()) add(*at, How::made, tree, u);
  for (std::uint32_t i = 0; i < count; ++i) {
    const Term& term = s.path.terms[i];
    const bool last = i + 1 == count;
    if (!term.is_key()) {
      const std::uint32_t size = now != nullptr && now->is_list() ? now->node()->size : 0;
      std::int64_t index = term.index;
      if (index < 0) index += last ? std::max(active.parent_size, size) : size;
      if (index < 0) return;
      if (last && size < active.parent_size) {
        // An element went away, the ones behind it moved.
        if (static_cast<std::size_t>(index) < at->items.size()) at->items.erase(at->items.begin() + index);
        add(*at, How::edited, *now, u);
        return;
      }
      while (at->items.size() < size) {
        // The list was lengthened to reach the index.
        at->items.push_back(std::make_unique<Shadow>());
        if (static_cast<std::int64_t>(at->items.size()) - 1 != index) add(*at->items.back(), How::made, Value::undef(), u);
      }
      if (now == nullptr || (!last && static_cast<std::size_t>(index) >= at->items.size())) return;
      at = item_shadow(at->items, static_cast<std::size_t>(index)).get();
    } else {
      at = &field_shadow(*at, term.key.as_string());
    }
    now = now == nullptr ? nullptr : child(*now, term);
    if (!last && now != nullptr && !at->present()) add(*at, How::made, *now, u);
  }
  if (now != nullptr) now->freeze();
  if (s.conditional && was) {
    add(*at, How::kept, active.before, u);
    return;
  }
  u.overwrite = s.kind == Statement::Kind::assign_constant || (s.kind == Statement::Kind::assign && !keeps(*s.block.op, s.path));
  const Value after = now == nullptr ? Value() : *now;
  // A value at the very path was set here, equal or not.
  if (after.exists() && !after.is_resource() && after.tag() == active.before.tag() && equal(active.before, after)) {
    add(*at, How::set, after, u);
    return;
  }
  update(*at, active.before, after, u);
}

void Provenance::before_defaults(const Binding& binding) {
  binding_before_ = {};
  const Value* now = look(context_->root, binding.path.terms.data(), static_cast<std::uint32_t>(binding.path.terms.size()));
  if (now == nullptr) return;
  now->freeze();
  binding_before_ = *now;
}

void Provenance::after_defaults(const Binding& binding) {
  const Value before = std::exchange(binding_before_, {});
  const auto count = static_cast<std::uint32_t>(binding.path.terms.size());
  const Value* now = look(context_->root, binding.path.terms.data(), count);
  if (now == nullptr || now->same_node(before) || (!now->is_resource() && equal(*now, before))) return;
  now->freeze();
  Event event;
  event.kind = Event::Kind::defaults;
  Update u{.event = add_event(std::move(event)), .overwrite = false, .active = nullptr, .relative = {}, .type_of = {}};
  u.type_of = [&](const std::string& relative) { return default_source(*context_, binding, before, split_terms(relative)); };
  Shadow* at = root_.get();
  for (std::uint32_t i = 0; i < count; ++i) {
    const Term& term = binding.path.terms[i];
    at = term.is_key() ? &field_shadow(*at, term.key.as_string())
                       : item_shadow(at->items, static_cast<std::size_t>(std::max(0, term.index))).get();
    if (i + 1 != count && !at->present()) add(*at, How::made, {}, u);
  }
  update(*at, before, *now, u);
}

void Provenance::enter_structure() {
  frames_.push_back(std::make_unique<Shadow>());
}

void Provenance::leave_structure() {
  left_ = std::move(frames_.back());
  frames_.pop_back();
}

void Provenance::register_structure(Shadow& shadow, const Value& value) {
  StackGuard::check();
  if (!value.is_resource()) return;
  const Node* node = value.node();
  // Of what is open only the structure as a whole is known again; its open parts count as the statement's own.
  if (!node->frozen && &shadow != structures_.back().get()) return;
  by_node_[node] = {&shadow, value, !node->frozen};
  for (std::uint32_t i = 0; i < node->size; ++i) {
    if (node->dict)
      register_structure(field_shadow(shadow, node->entries[i].key->view()), node->entries[i].value);
    else
      register_structure(*item_shadow(shadow.items, i), node->items[i]);
  }
}

void Provenance::made_structure(Span create, std::span<const Value> arguments, const Value& result) {
  std::unique_ptr<Shadow> made = std::move(left_);
  if (made == nullptr) return;
  Event event;
  event.kind = Event::Kind::create;
  event.owner = context_->current;
  event.span = create;
  event.chain = std::make_shared<const std::vector<CallStep>>(context_->calls.begin(), context_->calls.end());
  Update u{.event = add_event(std::move(event)), .overwrite = true, .active = nullptr, .relative = {}, .type_of = {}};
  if (!made->present()) add(*made, How::made, result, u);
  bool open = false;
  for (std::size_t i = 1; i < arguments.size(); i += 2) {
    const std::string key = make_term(arguments[i].str()).text();
    const Value* now = result.node()->find(key);
    if (now != nullptr && now->is_resource() && !now->node()->frozen) open = true;
    update(field_shadow(*made, key), {}, now == nullptr ? Value() : *now, u);
  }
  // Values that are still open belong to the caller's variables, too: freezing them would cut the tie.
  if (!open) result.freeze();
  structures_.push_back(std::move(made));
  register_structure(*structures_.back(), result);
  if (!active_.empty()) active_.back()->held.push_back(result);
}

void Provenance::edits_self(const Op& target, const Term* terms, std::uint32_t count, std::int64_t size) {
  if (active_.empty()) return;
  Active& active = *active_.back();
  Line line{context_->current, target.span, {}};
  if (!context_->calls.empty() && context_->calls.back().call) line.function = context_->calls.back().name;
  const std::string relative = joined(terms, count);
  if (size < 0)
    active.stored.insert_or_assign(relative, std::pair(++active.next, line));
  else
    active.appended[relative].emplace_back(size, line);
}

void Provenance::returning(const Op& call) {
  if (!context_->calls.empty() && context_->calls.back().call)
    return_ = std::pair(context_->calls.size(), Line{context_->current, call.span, context_->calls.back().name});
}

void Provenance::returned(const Op& call, const Value& result) {
  std::optional<std::pair<std::size_t, Line>> last = std::exchange(return_, std::nullopt);
  if (active_.empty()) return;
  Active& active = *active_.back();
  std::optional<Line> line;
  if (last && last->first == context_->calls.size()) {
    line = last->second;
  } else if (const Function* function = context_->find_function(call.name)) {
    line = Line{function->owner, function->statement->block.op->span, context_->names.text(call.name)};
  }
  if (!line) return;
  if (result.is_resource()) {
    if (by_node_.contains(result.node())) return;
    active.by_function.insert_or_assign(result.node(), *line);
    active.held.push_back(result);
  } else {
    active.returned = result;
    active.returned_line = line;
  }
}

}  // namespace cdb::pan
