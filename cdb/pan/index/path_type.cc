// What a path of the profile may hold: bindings followed through records, lists, dicts and names of types.
#include <fmt/format.h>

#include <algorithm>

#include "base/text/text.h"
#include "cdb/pan/index/tree_index.h"

namespace cdb::pan::index {
namespace {

constexpr std::size_t kMostTypes = 16;  // a name defined once per version of a schema
constexpr std::size_t kMostFields = 2000;
constexpr std::size_t kDeepestName = 16;  // names of names; also ends circles

bool is_index(std::string_view term) {
  return !term.empty() && std::all_of(term.begin(), term.end(), [](char c) { return c >= '0' && c <= '9'; });
}

void append(std::vector<PathType>& to, std::vector<PathType>&& from) {
  for (PathType& type : from)
    if (to.size() < kMostTypes) to.push_back(std::move(type));
}

}  // namespace

std::vector<PathType> TreeIndex::expand(const PathType& named) const {
  if (named.shape == nullptr || named.shape->kind != TypeShape::Kind::name || named.through.size() >= kDeepestName)
    return {named};
  const std::string name(text(named.shape->name));
  if (std::find(named.through.begin(), named.through.end(), name) != named.through.end()) return {named};
  std::vector<PathType> out;
  for (const Defined& defined : definitions(Space::type, named.shape->name)) {
    if (out.size() == kMostTypes) break;
    PathType next = named;
    next.file = defined.file;
    next.shape = defined.definition->type;
    next.through.push_back(name);
    append(out, expand(next));
  }
  if (out.empty()) out.push_back(named);
  return out;
}

void TreeIndex::collect_fields(const PathType& record, std::vector<PathType>& out) const {
  for (const PathType& one : expand(record)) {
    if (one.shape == nullptr || one.shape->kind != TypeShape::Kind::record) continue;
    for (const TypeShape::Field& field : one.shape->fields) {
      if (out.size() == kMostFields) return;
      out.push_back({one.file, field.type, &field, one.file, {}});
    }
    for (const Symbol included : one.shape->includes) {
      auto name = std::make_shared<TypeShape>();
      name->name = included;
      // A record that includes itself, over others or not, ends here.
      if (std::find(one.through.begin(), one.through.end(), text(included)) == one.through.end())
        collect_fields({one.file, std::move(name), nullptr, nullptr, one.through}, out);
    }
  }
}

std::vector<PathType> TreeIndex::fields_of(const PathType& record) const {
  std::vector<PathType> out;
  collect_fields(record, out);
  return out;
}

std::vector<PathType> TreeIndex::step(const PathType& from, std::string_view term) const {
  std::vector<PathType> out;
  for (const PathType& one : expand(from)) {
    if (one.shape == nullptr) continue;
    switch (one.shape->kind) {
      case TypeShape::Kind::record:
        for (PathType& field : fields_of(one))
          if (field.field->key == term) append(out, {std::move(field)});
        break;
      case TypeShape::Kind::dict:
        if (one.shape->element != nullptr) append(out, {{one.file, one.shape->element, nullptr, nullptr, {}}});
        break;
      case TypeShape::Kind::list:
        if (one.shape->element != nullptr && is_index(term)) append(out, {{one.file, one.shape->element, nullptr, nullptr, {}}});
        break;
      default: break;
    }
  }
  return out;
}

std::vector<PathType> TreeIndex::types_at(std::span<const std::string> terms) const {
  std::vector<PathType> out;
  for (const Binding& binding : bindings_) {
    const auto& bound = binding.path->terms;
    if (bound.size() > terms.size() || !std::equal(bound.begin(), bound.end(), terms.begin())) continue;
    std::vector<PathType> here{{binding.file, binding.path->type, nullptr, nullptr, {}}};
    for (std::size_t i = bound.size(); i < terms.size() && !here.empty(); ++i) {
      std::vector<PathType> next;
      for (const PathType& type : here) append(next, step(type, terms[i]));
      here = std::move(next);
    }
    append(out, std::move(here));
  }
  return out;
}

bool TreeIndex::binds_below(std::span<const std::string> terms) const {
  return std::any_of(bindings_.begin(), bindings_.end(), [&](const Binding& binding) {
    const auto& bound = binding.path->terms;
    return bound.size() >= terms.size() && std::equal(terms.begin(), terms.end(), bound.begin());
  });
}

// All its fields are known and it takes no others.
bool TreeIndex::is_closed(const PathType& record) const {
  if (record.shape == nullptr || record.shape->kind != TypeShape::Kind::record || record.shape->extensible) return false;
  return std::all_of(record.shape->includes.begin(), record.shape->includes.end(), [&](Symbol included) {
    const auto defined = definitions(Space::type, included);
    if (defined.empty() || std::find(record.through.begin(), record.through.end(), text(included)) != record.through.end())
      return false;
    // What an included record takes besides its fields does not count.
    return std::all_of(defined.begin(), defined.end(), [&](const Defined& one) {
      if (one.definition->type == nullptr || one.definition->type->kind != TypeShape::Kind::record) return false;
      TypeShape closed = *one.definition->type;
      closed.extensible = false;
      PathType next{one.file, std::make_shared<TypeShape>(std::move(closed)), nullptr, nullptr, record.through};
      next.through.emplace_back(text(included));
      return is_closed(next);
    });
  });
}

std::optional<TreeIndex::WrongStep> TreeIndex::wrong_step(std::span<const std::string> terms) const {
  std::optional<WrongStep> wrong;
  for (const Binding& binding : bindings_) {
    const auto& bound = binding.path->terms;
    if (bound.size() > terms.size() || !std::equal(bound.begin(), bound.end(), terms.begin())) continue;
    std::vector<PathType> here{{binding.file, binding.path->type, nullptr, nullptr, {}}};
    for (std::size_t i = bound.size(); i < terms.size(); ++i) {
      std::vector<PathType> next;
      std::vector<std::string> fields;
      bool open = false;
      for (const PathType& type : here) {
        auto below = step(type, terms[i]);
        if (below.empty()) {
          for (const PathType& one : expand(type)) {
            open |= !is_closed(one);
            for (const PathType& field : fields_of(one)) fields.push_back(field.field->key);
          }
        }
        append(next, std::move(below));
      }
      if (next.empty() && (open || here.empty())) return std::nullopt;
      if (next.empty()) {
        if (!wrong || i > wrong->step) wrong = WrongStep{i, std::move(fields)};
        break;
      }
      here = std::move(next);
      if (i + 1 == terms.size()) return std::nullopt;
    }
    if (bound.size() == terms.size()) return std::nullopt;
  }
  return wrong;
}

std::string TreeIndex::shape_text(const TypeShape& shape) const {
  const std::string element = shape.element != nullptr ? shape_text(*shape.element) : "?";
  switch (shape.kind) {
    case TypeShape::Kind::name: return std::string(text(shape.name));
    case TypeShape::Kind::list: return element + "[]";
    case TypeShape::Kind::dict: return element + "{}";
    case TypeShape::Kind::link: return element + "*";
    case TypeShape::Kind::choice: {
      std::vector<std::string> quoted;
      for (const std::string& choice : shape.choices) quoted.push_back("'" + choice + "'");
      return "choice(" + base::text::join(quoted, ", ") + ")";
    }
    case TypeShape::Kind::record: {
      std::vector<std::string> keys;
      for (const Symbol included : shape.includes) keys.push_back("include " + std::string(text(included)));
      for (const TypeShape::Field& field : shape.fields) keys.push_back(field.key);
      constexpr std::size_t kShown = 6;
      const bool more = keys.size() > kShown;
      if (more) keys.resize(kShown);
      return fmt::format("{{ {}{} }}", base::text::join(keys, ", "), more ? ", ..." : "");
    }
  }
  return {};
}

}  // namespace cdb::pan::index
