#include "cdb/pan/type.h"

#include <fmt/format.h>

#include <algorithm>

#include "cdb/pan/evaluator.h"
#include "cdb/pan/java/java.h"
#include "cdb/pan/stack_guard.h"
#include "cdb/pan/time_guard.h"

namespace cdb::pan {

namespace {

constexpr std::uint16_t bit(Tag tag) {
  return static_cast<std::uint16_t>(1u << static_cast<unsigned>(tag));
}
constexpr std::uint16_t kProperty = bit(Tag::boolean) | bit(Tag::integer) | bit(Tag::real) | bit(Tag::string);
constexpr std::uint16_t kResource = bit(Tag::list) | bit(Tag::dict);

[[noreturn]] void mismatch(std::string_view wanted, const Value& self) {
  auto problem = std::make_shared<Problem>();
  problem->kind = Problem::Kind::validation;
  problem->message = fmt::format("type '{}' is required but the element is of type '{}'", wanted, tag_name(self.tag()));
  problem->value = short_text_of(self);
  throw Failure{std::move(problem)};
}

const FullType& known_type(Evaluator& evaluator, Symbol name) {
  const FullType* type = evaluator.context()->find_type(name);
  if (type == nullptr) raise_evaluation(fmt::format("type '{}' is not defined", evaluator.names().text(name)));
  return *type;
}

void check_range(const Range& range, const Value& self) {
  auto outside = [&](std::string_view what, std::string value) {
    raise_validation(fmt::format("{} ({}) is outside range {}", what, value, range.text()));
  };
  auto within = [&](std::int64_t n) { return n >= range.min && n <= range.max; };
  switch (self.tag()) {
    case Tag::integer:
      if (!within(self.as_integer())) outside("value", std::to_string(self.as_integer()));
      return;
    case Tag::real: {
      const double v = self.as_real();
      if (!(v >= static_cast<double>(range.min) && v <= static_cast<double>(range.max))) outside("value", java::double_text(v));
      return;
    }
    case Tag::string: {
      const auto length =
          static_cast<std::int64_t>(self.str()->ascii ? self.as_string().size() : java::utf16_length(self.as_string()));
      if (!within(length)) outside("string size", std::to_string(length));
      return;
    }
    case Tag::list:
    case Tag::dict:
      if (!within(self.node()->size)) outside(self.is_list() ? "list size" : "hash size", std::to_string(self.node()->size));
      return;
    default: raise_validation(fmt::format("range checking cannot be applied to element of type {}", tag_name(self.tag())));
  }
}

void put_in_front(Failure& failure, const std::string& term) {
  Problem& problem = *failure.problem;
  problem.path = problem.path.empty() ? term : term + "/" + problem.path;
}

void validate_base(const BaseType& type, Evaluator& evaluator, const Value& self);

// Validates, unless this very node was found good as this type before.
template <class Type, class Check>
void remembered(const Type& type, Evaluator& evaluator, const Value& self, const Check& check) {
  ObjectContext& context = *evaluator.context();
  if (!self.is_resource() || !self.node()->shared || !remembers(context)) return check();
  const Memo::Key key{&type, self.node(), context.environment, Memo::Part::validation};
  if (context.memo->find(key, context, nullptr) != nullptr) return;
  Recorder recorder(context, key, nullptr);
  check();
  Value good = Value::boolean(true);
  recorder.keep(good);
}

void validate_children(const BaseType& type, Evaluator& evaluator, const Value& self) {
  const Node* node = self.node();
  for (std::uint32_t i = 0; i < node->size; ++i) {
    TimeGuard::tick();
    const Value& child = node->dict ? node->entries[i].value : node->items[i];
    try {
      remembered(*type.element, evaluator, child, [&] { validate_base(*type.element, evaluator, child); });
    } catch (Failure& failure) {
      if (failure.problem->kind == Problem::Kind::validation)
        put_in_front(failure, node->dict ? std::string(node->entries[i].key->view()) : std::to_string(i));
      throw;
    }
  }
}

void run_with(const FullType& type, Evaluator& evaluator, const Value& self) {
  if (type.with.op == nullptr) return;
  bool good = false;
  try {
    good = evaluator.run_validation(type.with, self, *type.source);
  } catch (Failure& failure) {
    if (failure.problem->kind == Problem::Kind::validation) throw;
    auto outer = std::make_shared<Problem>();
    outer->kind = Problem::Kind::validation;
    outer->message = "validation failed because of an error in its expression";
    outer->cause = failure.problem;
    if (self.is_property()) outer->value = short_text_of(self);
    throw Failure{std::move(outer)};
  }
  if (good) return;
  auto problem = std::make_shared<Problem>();
  problem->kind = Problem::Kind::validation;
  problem->message = "user-defined validation failed";
  if (self.is_property()) problem->value = short_text_of(self);
  throw Failure{std::move(problem)};
}

bool defined_field(const BaseType& record, Evaluator& evaluator, std::string_view key) {
  const std::uint64_t head = head_of(key);
  auto has = [&](std::span<const BaseType::Field> fields) {
    auto at = std::lower_bound(fields.begin(), fields.end(), key,
                               [=](const BaseType::Field& f, std::string_view k) { return f.key->before(k, head); });
    return at != fields.end() && at->key->is(key, head);
  };
  if (has(record.required) || has(record.optional)) return true;
  for (const auto& include : record.includes)
    if (defined_field(*known_type(evaluator, include.name).base, evaluator, key)) return true;
  return false;
}

void validate_fields(const BaseType& record, Evaluator& evaluator, const Value& self) {
  if (record.has_range) check_range(record.range, self);
  for (const auto& include : record.includes) {
    const FullType& type = known_type(evaluator, include.name);
    try {
      validate_fields(*type.base, evaluator, self);
      run_with(type, evaluator, self);
    } catch (Failure& failure) {
      if (failure.problem->kind == Problem::Kind::validation)
        failure.problem->types.push_back({std::string(evaluator.names().text(include.name)), type.place()});
      throw;
    }
  }
  auto field = [&](const BaseType::Field& f, bool required) {
    const Value* child = self.node()->find(f.key->view());
    if (child == nullptr) {
      if (required) raise_validation(fmt::format("record is missing required field: {}", f.key->view()));
      return;
    }
    try {
      validate(*f.type, evaluator, *child);
    } catch (Failure& failure) {
      if (failure.problem->kind == Problem::Kind::validation) put_in_front(failure, std::string(f.key->view()));
      throw;
    }
  };
  for (const auto& f : record.required) field(f, true);
  for (const auto& f : record.optional) field(f, false);
}

void validate_record(const BaseType& record, Evaluator& evaluator, const Value& self) {
  if (!self.is_dict()) mismatch("dict", self);
  if (!record.extensible) {
    std::string unexpected;
    std::string hint;
    const Node* node = self.node();
    // Keys and fields are sorted: they are walked side by side.
    auto required = record.required.begin();
    auto optional = record.optional.begin();
    auto advance = [](auto& at, auto end, std::string_view key, std::uint64_t head) {
      while (at != end && at->key->before(key, head)) ++at;
      return at != end && at->key->is(key, head);
    };
    for (std::uint32_t i = 0; i < node->size; ++i) {
      const std::string_view key = node->entries[i].key->view();
      const std::uint64_t head = node->entries[i].key->head();
      if (advance(required, record.required.end(), key, head) || advance(optional, record.optional.end(), key, head)) continue;
      if (!record.includes.empty() && defined_field(record, evaluator, key)) continue;
      if (unexpected.empty()) {
        std::vector<std::string> known;
        for (const auto& f : record.required) known.emplace_back(f.key->view());
        for (const auto& f : record.optional) known.emplace_back(f.key->view());
        const auto similar = similar_names(key, known);
        if (!similar.empty()) hint = fmt::format("did you mean {}?", fmt::join(similar, ", "));
      }
      unexpected += fmt::format("{} ", key);
    }
    if (!unexpected.empty())
      raise(Problem::Kind::validation, fmt::format("record definition contains unexpected field(s): {}", unexpected), {}, hint);
  }
  validate_fields(record, evaluator, self);
}

void validate_link(const BaseType& type, Evaluator& evaluator, const Value& self) {
  if (!self.is_string()) mismatch("link", self);
  Value target;
  std::string error;
  try {
    target = evaluator.element(*HeldPath(parse_path(self.as_string())), true);
    if (!target.exists()) error = "does not exist";
  } catch (const Failure& failure) {
    error = "cannot be read: " + failure.problem->message;
  }
  if (!error.empty()) raise_validation(fmt::format("the element '{}' that the link points to {}", self.as_string(), error));
  try {
    validate_base(*type.element, evaluator, target);
  } catch (Failure& failure) {
    auto outer = std::make_shared<Problem>();
    outer->kind = Problem::Kind::validation;
    outer->message = fmt::format("the element '{}' that the link points to failed validation", self.as_string());
    outer->cause = failure.problem;
    throw Failure{std::move(outer)};
  }
}

void validate_base(const BaseType& type, Evaluator& evaluator, const Value& self) {
  switch (type.kind) {
    case BaseType::Kind::primitive:
      if (!(type.accepts & bit(self.tag()))) mismatch(evaluator.names().text(type.name), self);
      return;
    case BaseType::Kind::alias: {
      const FullType& target = known_type(evaluator, type.name);
      try {
        validate(target, evaluator, self);
        if (type.has_range) check_range(type.range, self);
      } catch (Failure& failure) {
        // A built-in type has no place of its own: where its name stands is what helps; validate() knows the file.
        if (failure.problem->kind == Problem::Kind::validation)
          failure.problem->types.push_back({std::string(evaluator.names().text(type.name)),
                                            target.source != nullptr ? target.place() : Place{nullptr, type.span}});
        throw;
      }
      return;
    }
    case BaseType::Kind::choice: {
      if (!self.is_string()) mismatch("string", self);
      for (const Value& choice : type.choices)
        if (choice.as_string() == self.as_string()) return;
      std::vector<std::string> known;
      for (const Value& choice : type.choices) known.emplace_back(choice.as_string());
      const auto similar = similar_names(self.as_string(), known);
      auto problem = std::make_shared<Problem>();
      problem->kind = Problem::Kind::validation;
      problem->message = fmt::format("value ({}) is not a possible choice value", self.as_string());
      problem->value = self.as_string();
      problem->hint = similar.empty() ? fmt::format("choose one of {}", fmt::join(known, ", "))
                                      : fmt::format("did you mean {}?", fmt::join(similar, ", "));
      throw Failure{std::move(problem)};
    }
    case BaseType::Kind::list:
      if (!self.is_list()) mismatch("list", self);
      if (type.has_range) check_range(type.range, self);
      return validate_children(type, evaluator, self);
    case BaseType::Kind::dict:
      if (!self.is_dict()) mismatch("dict", self);
      if (type.has_range) check_range(type.range, self);
      return validate_children(type, evaluator, self);
    case BaseType::Kind::link: return validate_link(type, evaluator, self);
    case BaseType::Kind::record: return validate_record(type, evaluator, self);
  }
}

}  // namespace

std::string Range::text() const {
  return max == std::numeric_limits<std::int64_t>::max() ? fmt::format("{}..", min) : fmt::format("{}..{}", min, max);
}

std::string BaseType::text(const Names& names) const {
  switch (kind) {
    case Kind::primitive: return std::string(names.text(name));
    case Kind::alias: return has_range ? fmt::format("{}({})", names.text(name), range.text()) : std::string(names.text(name));
    case Kind::choice: {
      std::string out = "choice(";
      for (std::size_t i = 0; i < choices.size(); ++i) out += fmt::format("{}{}", i == 0 ? "" : ", ", choices[i].as_string());
      return out + ")";
    }
    case Kind::list: return element->text(names) + (has_range ? fmt::format("[{}]", range.text()) : "[]");
    case Kind::dict: return element->text(names) + (has_range ? fmt::format("{{{}}}", range.text()) : "{}");
    case Kind::link: return element->text(names) + "*";
    case Kind::record: return extensible ? "extensible {...}" : "{...}";
  }
  return "?";
}

BuiltinTypes::BuiltinTypes(Names& names) {
  struct Row {
    std::string_view name;
    std::uint16_t accepts;
  };
  const Row rows[] = {{"boolean", bit(Tag::boolean)},
                      {"double", bit(Tag::real)},
                      {"element", static_cast<std::uint16_t>(kProperty | kResource | bit(Tag::undef) | bit(Tag::null))},
                      {"nlist", bit(Tag::dict)},
                      {"dict", bit(Tag::dict)},
                      {"list", bit(Tag::list)},
                      {"long", bit(Tag::integer)},
                      {"number", static_cast<std::uint16_t>(bit(Tag::integer) | bit(Tag::real))},
                      {"property", kProperty},
                      {"resource", kResource},
                      {"string", bit(Tag::string)}};
  for (const Row& row : rows) {
    BaseType& base = bases_.emplace_back();
    base.kind = BaseType::Kind::primitive;
    base.name = names.intern(row.name);
    base.accepts = row.accepts;
    types_.emplace_back().base = &base;
    list_.push_back({base.name, &types_.back()});
  }
}

void verify_defined(const FullType& type, Evaluator& evaluator) {
  StackGuard::check();
  const BaseType* base = type.base;
  while (base->element != nullptr) base = base->element;
  auto undefined = [&](Symbol name, Span span) {
    std::vector<std::string> known;
    const auto& types = evaluator.context()->types;
    for (Symbol s = 0; s < types.size(); ++s)
      if (types[s].type != nullptr) known.emplace_back(evaluator.names().text(s));
    const std::string text(evaluator.names().text(name));
    const auto similar = similar_names(text, known);
    auto problem = std::make_shared<Problem>();
    problem->message = fmt::format("referenced type '{}' is not defined", text);
    problem->place = {type.place().source, span};
    problem->hint = similar.empty() ? "types must be defined before they are used"
                                    : fmt::format("did you mean {}?", fmt::join(similar, ", "));
    throw Failure{std::move(problem)};
  };
  if (base->kind == BaseType::Kind::alias && evaluator.context()->find_type(base->name) == nullptr)
    undefined(base->name, base->span);
  if (base->kind != BaseType::Kind::record) return;
  for (const auto& include : base->includes) {
    const FullType* included = evaluator.context()->find_type(include.name);
    if (included == nullptr) undefined(include.name, include.span);
    if (included->base->kind != BaseType::Kind::record)
      raise_evaluation(fmt::format("record definition includes non-record type: '{}'", evaluator.names().text(include.name)),
                       include.span);
  }
  for (const auto& field : base->required) verify_defined(*field.type, evaluator);
  for (const auto& field : base->optional) verify_defined(*field.type, evaluator);
}

void validate(const FullType& type, Evaluator& evaluator, const Value& self) {
  StackGuard::check();
  if (!self.exists()) raise_validation("element does not exist");
  remembered(type, evaluator, self, [&] {
    try {
      validate_base(*type.base, evaluator, self);
    } catch (Failure& failure) {
      for (auto& step : failure.problem->types)
        if (step.place.source == nullptr) step.place.source = type.place().source;
      throw;
    }
    run_with(type, evaluator, self);
  });
}

}  // namespace cdb::pan
