#include "cdb/pan/type_path.h"

#include <algorithm>
#include <cctype>

#include "base/text/text.h"
#include "cdb/pan/annotation.h"
#include "cdb/pan/stack_guard.h"

namespace cdb::pan {

namespace {

constexpr int kDeepest = 100;  // aliases of aliases; types cannot be circular, but nobody should have to trust that here

// A type on the way down: what it is, and the name it was reached by.
struct At {
  const BaseType* base = nullptr;
  const FullType* full = nullptr;  // null pointer: an element of a list or dict
  std::string owner;               // the innermost named type it belongs to
  std::string field;               // of that type
};

const FullType* named(const ObjectContext& context, Symbol name) {
  return context.find_type(name);
}

const BaseType::Field* own_field(const BaseType& record, std::string_view key) {
  for (const auto* fields : {&record.required, &record.optional})
    for (const auto& field : *fields)
      if (field.key->view() == key) return &field;
  return nullptr;
}

// The field with this key, in the record or in one it includes; `owner` becomes the type that declares it.
const BaseType::Field* find_field(const ObjectContext& context, const BaseType& record, std::string_view key, std::string& owner,
                                  bool& required, int depth = 0) {
  if (record.kind != BaseType::Kind::record || depth > kDeepest) return nullptr;
  if (const auto* field = own_field(record, key)) {
    required = std::any_of(record.required.begin(), record.required.end(), [&](const auto& f) { return f.key == field->key; });
    return field;
  }
  for (const auto& include : record.includes) {
    const FullType* type = named(context, include.name);
    if (type == nullptr) continue;
    std::string name(context.names.text(include.name));
    if (const auto* field = find_field(context, *type->base, key, name, required, depth + 1)) {
      owner = name;
      return field;
    }
  }
  return nullptr;
}

// Aliases lead to a type of their own shape.
void resolve(const ObjectContext& context, At& at) {
  for (int i = 0; i < kDeepest && at.base->kind == BaseType::Kind::alias; ++i) {
    const FullType* next = named(context, at.base->name);
    if (next == nullptr) return;
    at.owner = context.names.text(at.base->name);
    at.full = next;
    at.base = next->base;
  }
}

// As find_default() does: the value, and who has it.
Value default_of(const ObjectContext& context, const BaseType& base, const FullType* full, DefaultSource& source, int depth = 0) {
  if (full != nullptr && full->default_value.exists()) {
    source.place = full->place();
    return full->default_value;
  }
  if (depth > kDeepest) return {};
  auto of_named = [&](Symbol name) -> Value {
    const FullType* next = named(context, name);
    if (next == nullptr) return {};
    DefaultSource inner{std::string(context.names.text(name)), {}, {}};
    Value found = default_of(context, *next->base, next, inner, depth + 1);
    if (found.exists()) source = std::move(inner);
    return found;
  };
  if (base.kind == BaseType::Kind::alias) return of_named(base.name);
  if (base.kind == BaseType::Kind::record)
    for (const auto& include : base.includes)
      if (Value found = of_named(include.name); found.exists()) return found;
  return {};
}

bool missing(const Value& value) {
  return !value.exists() || value.is_undef();
}

Value child_by_text(const Value& value, const std::string& term) {
  if (value.is_dict()) {
    const Value* found = value.node()->find(term);
    return found == nullptr ? Value() : *found;
  }
  if (!value.is_list() || term.empty() || !std::all_of(term.begin(), term.end(), [](char c) { return c >= '0' && c <= '9'; }))
    return {};
  const std::size_t index = term.size() > 9 ? SIZE_MAX : static_cast<std::size_t>(std::stoul(term));
  return index < value.node()->size ? value.node()->items[index] : Value();
}

bool default_for(const ObjectContext& context, const FullType& type, Value have, std::span<const std::string> relative,
                 DefaultSource& source) {
  At at{type.base, &type, {}, {}};
  bool filled = false;
  auto fill = [&](std::string owner, std::string field) {
    if (!missing(have)) return true;
    DefaultSource from{std::move(owner), std::move(field), {}};
    have = default_of(context, *at.base, at.full, from);
    if (missing(have)) return false;
    source = std::move(from);
    filled = true;
    return true;
  };
  if (!fill({}, {})) return false;
  for (const std::string& term : relative) {
    resolve(context, at);
    have = child_by_text(have, term);
    if (at.base->kind == BaseType::Kind::record) {
      bool required = false;
      std::string owner = at.owner;
      const auto* field = find_field(context, *at.base, term, owner, required);
      if (field == nullptr) return filled;
      at = {field->type->base, field->type, owner, term};
      if (missing(have) && !required && !have.is_undef()) return false;
      if (!fill(owner, term)) return false;
    } else if (at.base->element != nullptr && at.base->kind != BaseType::Kind::link) {
      at = {at.base->element, nullptr, at.owner, at.field};
      if (missing(have) && !have.is_undef()) return filled;
      if (!fill(at.owner, at.field)) return false;
    } else {
      return filled;
    }
  }
  return filled;
}

// The annotation's `desc`, white space made single.
std::string description_in(std::string_view annotation) {
  const auto parsed = parse_annotation(annotation);
  if (!parsed) return {};
  std::string text;
  for (const auto& entry : parsed->entries) {
    if (entry.key != "desc") continue;
    bool gap = false;
    for (const char c : entry.value) {
      const bool space = std::isspace(static_cast<unsigned char>(c)) != 0;
      if (!space && gap && !text.empty()) text += ' ';
      if (!space) text += c;
      gap = space;
    }
  }
  return text;
}

// The annotation that ends right before `begin`.
std::string description_before(const ObjectContext& context, const SourcePtr& source, std::uint32_t begin) {
  if (source == nullptr) return {};
  const Template* owner = nullptr;
  for (const auto& [name, what] : context.loaded)
    if (what->source == source) owner = what.get();
  if (owner == nullptr) return {};
  const std::string_view content = *source->content;
  const Annotation* last = nullptr;
  for (const Annotation& annotation : owner->annotations)
    if (annotation.span.end <= begin) last = &annotation;
  if (last == nullptr || !base::text::trim(content.substr(last->span.end, begin - last->span.end)).empty()) return {};
  return description_in(content.substr(last->span.begin, last->span.end - last->span.begin));
}

// Where the field's key begins: its type's text stands behind "KEY" and a colon or question mark.
std::uint32_t field_begin(const Place& place) {
  const std::string_view content = *place.source->content;
  std::size_t at = place.span.begin;
  auto back = [&](auto test) {
    while (at > 0 && test(content[at - 1])) --at;
  };
  auto space = [](char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; };
  back(space);
  if (at > 0 && (content[at - 1] == ':' || content[at - 1] == '?')) --at;
  back(space);
  if (at == 0 || (content[at - 1] != '\'' && content[at - 1] != '"')) return place.span.begin;
  const char quote = content[--at];
  while (at > 0 && content[at - 1] != quote && content[at - 1] != '\n') --at;
  return static_cast<std::uint32_t>(at == 0 ? 0 : at - 1);
}

std::string type_description(const ObjectContext& context, const BaseType& base) {
  if (base.kind != BaseType::Kind::alias) return {};
  const auto& entries = context.types;
  if (base.name >= entries.size() || entries[base.name].owner == nullptr) return {};
  return description_before(context, entries[base.name].owner->source, entries[base.name].span.begin);
}

}  // namespace

std::shared_ptr<const DefaultSource> default_source(const ObjectContext& context, const Binding& binding, const Value& before,
                                                    std::span<const std::string> relative) {
  for (const FullType* type : binding.types) {
    DefaultSource source;
    if (default_for(context, *type, before, relative, source)) return std::make_shared<const DefaultSource>(std::move(source));
  }
  return nullptr;
}

std::vector<TypeBinding> bound_types(const ObjectContext& context, std::span<const std::string> terms, Ranges& ranges) {
  std::vector<TypeBinding> out;
  for (const Binding& binding : context.bindings) {
    const auto& path = binding.path.terms;
    if (path.size() > terms.size()) continue;
    bool above = true;
    for (std::size_t i = 0; above && i < path.size(); ++i) above = path[i].text() == terms[i];
    if (!above) continue;
    for (const FullType* type : binding.types) {
      TypeBinding found;
      found.path = binding.path.text();
      if (found.path.empty()) found.path = "/";
      found.place = ranges.of(type->place());
      At at{type->base, type, {}, {}};
      found.steps.push_back({{}, {}, type->base->text(context.names), found.place, type_description(context, *type->base)});
      bool followed = true;
      for (std::size_t i = path.size(); followed && i < terms.size(); ++i) {
        resolve(context, at);
        if (at.base->kind == BaseType::Kind::record) {
          bool required = false;
          std::string owner = at.owner;
          const auto* field = find_field(context, *at.base, terms[i], owner, required);
          followed = field != nullptr;
          if (!followed) break;
          at = {field->type->base, field->type, owner, terms[i]};
          const Place place = field->type->place();
          TypeBinding::Step step{terms[i], owner, at.base->text(context.names), {}, {}};
          if (place.source != nullptr) {
            const std::uint32_t begin = field_begin(place);
            step.place = ranges.of({place.source, {begin, place.span.end}});
            step.description = description_before(context, place.source, begin);
          }
          if (step.description.empty()) step.description = type_description(context, *at.base);
          found.steps.push_back(std::move(step));
        } else if (at.base->element != nullptr && at.base->kind != BaseType::Kind::link) {
          const bool list = at.base->kind == BaseType::Kind::list;
          const BaseType* element = at.base->element;
          SourceRange place = found.steps.back().place;
          at = {element, nullptr, at.owner, at.field};
          found.steps.push_back({list ? "[]" : "{}", at.owner, element->text(context.names), std::move(place),
                                 type_description(context, *element)});
        } else {
          followed = false;
        }
      }
      // Elements beyond a type's reach (an extensible record's, or below `element`) are not its.
      if (followed) out.push_back(std::move(found));
    }
  }
  return out;
}

}  // namespace cdb::pan
