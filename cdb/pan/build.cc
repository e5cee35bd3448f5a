#include "cdb/pan/build.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "cdb/pan/evaluator.h"
#include "cdb/pan/resource_limit.h"
#include "cdb/pan/stack_guard.h"
#include "cdb/pan/time_guard.h"

namespace cdb::pan {

namespace {

std::uint32_t count(const Path& path) {
  return static_cast<std::uint32_t>(path.terms.size());
}

void check_final(ObjectContext& context, const Statement& s) {
  if (s.path.type != Path::Type::absolute) return;
  const std::string reason = context.finals.reason(s.path);
  if (!reason.empty())
    raise_evaluation(fmt::format("{} cannot be modified; {} is marked as final", s.path.text(), reason), s.span);
}

void mark_final(ObjectContext& context, const Statement& s) {
  if (s.final && s.path.type == Path::Type::absolute) context.finals.add(s.path);
}

void put(ObjectContext& context, const Path& path, Value value) {
  Value& start = context.tree(path);
  if (path.terms.empty()) {
    if (!value.exists() || value.is_null()) raise_evaluation("cannot set root element to null");
    if (!value.is_dict())
      raise_evaluation(fmt::format("root element cannot be replaced by element of type {}", tag_name(value.tag())));
    start = std::move(value);
    return;
  }
  put_at(start, path.terms.data(), count(path), std::move(value));
}

void note_assignment(ObjectContext& context, const Statement& s) {
  if (s.path.type == Path::Type::absolute) context.assignments.push_back({&s.path, context.current, s.span});
}

void assign_constant(ObjectContext& context, const Statement& s) {
  if (s.conditional) {
    const Value* now = follow(context.tree(s.path), s.path.terms.data(), count(s.path), true);
    if (now != nullptr && !now->is_undef()) return mark_final(context, s);
  }
  check_final(context, s);
  put(context, s.path, s.value);
  note_assignment(context, s);
  mark_final(context, s);
}

void assign_delete(ObjectContext& context, const Statement& s) {
  if (!s.conditional) {
    check_final(context, s);
    put(context, s.path, {});
  }
  mark_final(context, s);
}

// Restores SELF on every way out.
class SelfScope {
 public:
  SelfScope(ObjectContext& context, Self self) : context_(context), old_(std::move(context.self)) {
    context.self = std::move(self);
  }
  ~SelfScope() { context_.self = std::move(old_); }
  SelfScope(const SelfScope&) = delete;

 private:
  ObjectContext& context_;
  Self old_;
};

Memo::Key statement_key(const ObjectContext& context, const Statement& s) {
  return {&s, nullptr, context.environment, Memo::Part::statement};
}

// An object's own statements run once, those of a structure template are part of what create() gives.
bool remembers_statement(const ObjectContext& context) {
  return remembers(context) && context.current->kind != TemplateKind::object && context.current->kind != TemplateKind::structure;
}

void assign(ObjectContext& context, const Statement& s) {
  Self self{.kind = Self::Kind::slot, .path = &s.path};
  self.slot = slot_at(context.tree(s.path), s.path.terms.data(), count(s.path), self.parent);
  if (!self.slot->is_undef()) check_final(context, s);
  if (s.conditional && !self.slot->is_undef()) return mark_final(context, s);
  const bool memorable = remembers_statement(context);
  if (memorable) {
    if (const Value* known = context.memo->find(statement_key(context, s), context, self.slot)) {
      note_assignment(context, s);
      put(context, s.path, *known);
      return mark_final(context, s);
    }
  }
  Value result;
  bool same = false;
  {
    std::optional<Recorder> recorder;
    if (memorable) recorder.emplace(context, statement_key(context, s), self.slot);
    SelfScope scope(context, self);
    result = Evaluator(context).run_statement(s.block);
    Value& now = *context.self.slot;
    same = now.same_node(result) && !(context.self.parent != nullptr && context.self.parent->frozen);
    // What the block left shared inside SELF is shared no longer.
    result.freeze();
    if (memorable) {
      // SELF and the result hold it; anybody else would see changes made to it later.
      if (!same || result.node()->refs <= 2) recorder->keep(result);
      if (same && !now.same_node(result)) now = result;
    }
  }
  note_assignment(context, s);
  if (!same) {
    put(context, s.path, std::move(result));
  } else if (s.path.terms.empty() && !result.is_dict()) {
    put(context, s.path, std::move(result));
  }
  mark_final(context, s);
}

void set_loadpath(ObjectContext& context) {
  const Value& value = context.global(Names::loadpath).value;
  std::vector<std::string> paths{""};
  if (!value.is_list()) raise_evaluation("LOADPATH variable must be a list");
  for (std::uint32_t i = 0; i < value.node()->size; ++i) {
    const Value& entry = value.node()->items[i];
    if (!entry.is_string()) raise_evaluation("LOADPATH contains non-string value");
    if (entry.as_string().starts_with('/')) raise_evaluation("LOADPATH can only contain relative paths");
    paths.emplace_back(entry.as_string());
  }
  context.loadpath = std::move(paths);
  if (context.memo != nullptr) context.environment = context.memo->after(context.environment, context.loadpath);
}

void variable(ObjectContext& context, const Statement& s) {
  Global& global = context.global(s.name);
  if (!global.value.exists()) global.value = Value::undef();
  if (!s.conditional || global.value.is_undef()) {
    if (s.kind == Statement::Kind::variable_constant) {
      context.set_global(global, s.value);
    } else {
      const bool memorable = remembers_statement(context);
      const Value* known = memorable ? context.memo->find(statement_key(context, s), context, &global.value) : nullptr;
      if (known != nullptr) {
        context.set_global(global, *known);
      } else {
        std::optional<Recorder> recorder;
        if (memorable) recorder.emplace(context, statement_key(context, s), &global.value);
        SelfScope scope(context, Self{.kind = Self::Kind::slot, .slot = &global.value, .global = &global});
        Value result = Evaluator(context).run_statement(s.block);
        result.freeze();
        if (memorable) recorder->keep(result);
        context.set_global(global, std::move(result));
      }
    }
    global.final = s.final;
  } else if (s.final) {
    global.final = true;
  }
  if (s.name == Names::loadpath) set_loadpath(context);
}

bool may_include(TemplateKind from, TemplateKind what) {
  switch (from) {
    case TemplateKind::object:
    case TemplateKind::ordinary:
    case TemplateKind::unique:
      return what == TemplateKind::ordinary || what == TemplateKind::declaration || what == TemplateKind::unique;
    case TemplateKind::structure: return what == TemplateKind::declaration || what == TemplateKind::structure;
    case TemplateKind::declaration: return what == TemplateKind::declaration;
  }
  return false;
}

void include(ObjectContext& context, const Statement& s) {
  std::string name;
  if (s.kind == Statement::Kind::include_static) {
    name = s.value.as_string();
  } else {
    const bool memorable = remembers_statement(context);
    const Value* known = memorable ? context.memo->find(statement_key(context, s), context, nullptr) : nullptr;
    Value value;
    if (known != nullptr) {
      value = *known;
    } else {
      std::optional<Recorder> recorder;
      if (memorable) recorder.emplace(context, statement_key(context, s), nullptr);
      SelfScope scope(context, Self{.kind = Self::Kind::forbidden});
      value = Evaluator(context).run_statement(s.block);
      if (memorable) recorder->keep(value);
    }
    if (value.is_null() || value.is_undef()) return;
    if (!value.is_string())
      raise(Problem::Kind::evaluation, "DML block for computed include statement didn't evaluate to undef, null, or a string",
            s.span, fmt::format("it gave an element of type {}", tag_name(value.tag())));
    name = value.as_string();
    if (!valid_include_name(name)) raise_evaluation(fmt::format("invalid identifier for include: {}", name));
  }
  bool fresh = false;
  const auto what = context.load(name, false, fresh);
  if (context.recording != nullptr && what->kind != TemplateKind::structure) context.recording->give_up();
  if (!may_include(context.current->kind, what->kind))
    raise_evaluation(fmt::format("{} template cannot include {} template", template_kind_name(context.current->kind),
                                 template_kind_name(what->kind)));
  context.push(what.get(), s.span, false, what->name);
  try {
    execute_template(context, *what, fresh);
  } catch (...) {
    context.pop();
    throw;
  }
  context.pop();
}

void bind_dynamic(ObjectContext& context, const Statement& s) {
  const std::string text = substitute_variables(s.value.as_string(), [&](std::string_view name) {
    Global* global = context.find_global(context.names.intern(name));
    if (global == nullptr)
      raise(Problem::Kind::evaluation, fmt::format("variable '{}' in the bind path is undefined", name), s.span,
            Evaluator(context).undefined_variable_hint(name));
    return text_of(global->value);
  });
  Path path;
  try {
    path = parse_path(text);
  } catch (Failure& failure) {
    failure.problem->kind = Problem::Kind::evaluation;
    throw;
  }
  if (path.type != Path::Type::absolute) raise_evaluation(fmt::format("bind needs an absolute path, not '{}'", text));
  context.bind(std::move(path), *s.type);
}

// Only what create() builds below its own root can be part of a recorded result.
bool inside_structure(const Statement& s) {
  using Kind = Statement::Kind;
  switch (s.kind) {
    case Kind::assign_constant:
    case Kind::assign_delete:
    case Kind::assign: return s.path.type == Path::Type::relative;
    case Kind::include_static:
    case Kind::include: return true;
    default: return false;
  }
}

void execute(ObjectContext& context, const Statement& s) {
  using Kind = Statement::Kind;
  if (context.recording != nullptr && !inside_structure(s)) context.recording->give_up();
  switch (s.kind) {
    case Kind::assign_constant: return assign_constant(context, s);
    case Kind::assign_delete: return assign_delete(context, s);
    case Kind::assign: return assign(context, s);
    case Kind::variable_constant:
    case Kind::variable: return variable(context, s);
    case Kind::function: return context.define_function(s, *context.current);
    case Kind::type: return context.define_type(s.name, *s.type, context.current, s.span);
    case Kind::bind: return context.bind(s.path, *s.type);
    case Kind::bind_dynamic: return bind_dynamic(context, s);
    case Kind::include_static:
    case Kind::include: return include(context, s);
  }
}

void execute_traced(ObjectContext& context, const Statement& s) {
  context.tracer->before(s);
  try {
    execute(context, s);
  } catch (...) {
    context.tracer->after(s, true);
    throw;
  }
  context.tracer->after(s, false);
}

// False when the path leads nowhere: validation will say what is wrong with it.
bool fill_binding(ObjectContext& context, Evaluator& evaluator, const Binding& binding) {
  const Path& path = binding.path;
  Value self;
  try {
    if (const Value* now = follow(context.root, path.terms.data(), count(path), true)) self = *now;
  } catch (const Failure&) {
    return false;
  }
  if (!self.exists() || self.is_undef()) {
    for (const FullType* type : binding.types) {
      Value value = find_default(*type, evaluator);
      if (!value.exists()) continue;
      put(context, path, value);
      self = std::move(value);
      break;
    }
  }
  if (!self.exists() || self.is_undef()) return true;
  for (const FullType* type : binding.types) {
    const Node* node = self.is_resource() ? self.node() : nullptr;
    self.freeze();
    set_defaults(*type, evaluator, self);
    if (self.is_resource() && self.node() != node) {
      self.freeze();
      put(context, path, self);
    }
  }
  return true;
}

void fill_defaults(ObjectContext& context) {
  Evaluator evaluator(context);
  for (const Binding& binding : context.bindings) {
    if (context.tracer != nullptr) context.tracer->before_defaults(binding);
    const bool good = fill_binding(context, evaluator, binding);
    if (context.tracer != nullptr) context.tracer->after_defaults(binding);
    if (!good) return;
  }
}

// Memory, stack or time ran out: the statement that was running is the place.
[[noreturn]] void exhausted_in(ObjectContext& context, std::size_t depth, const Statement& s) {
  const std::shared_ptr<Problem> problem = exhausted_problem();
  while (context.calls.size() > depth) context.pop();
  context.locate(*problem, s.span);
  throw Failure{problem};
}

// Something that no profile may have anywhere.
void check_tree(ObjectContext& context) {
  TreeCheck tree(context.options.max_output);
  const TreeCheck::Fault fault = tree.check(context.root);
  if (fault == TreeCheck::Fault::none) return;
  auto problem = std::make_shared<Problem>();
  problem->path = "/" + tree.path();
  problem->place.source = context.object_template->source;
  problem->origin = context.origin(problem->path);
  switch (fault) {
    case TreeCheck::Fault::too_large:
      problem->message =
          fmt::format("the profile is larger than {} bytes, which are full at {}", context.options.max_output, problem->path);
      problem->hint = "look for a list or dict that holds itself several times";
      break;
    case TreeCheck::Fault::too_deep:
      problem->message = fmt::format("the profile is nested more than {} levels deep below {}", kDeepestTree, problem->path);
      problem->hint = "look for a loop that puts a list or dict into another one";
      break;
    default:
      problem->kind = Problem::Kind::validation;
      problem->message = fmt::format("element at {} is undefined", problem->path);
      problem->hint = "give it a value, or remove it by assigning null";
  }
  // An evaluation error stands where its place is.
  if (problem->kind == Problem::Kind::evaluation && problem->origin.source != nullptr) problem->place = problem->origin;
  throw Failure{std::move(problem)};
}

}  // namespace

std::string_view template_kind_name(TemplateKind kind) {
  switch (kind) {
    case TemplateKind::ordinary: return "ordinary";
    case TemplateKind::object: return "object";
    case TemplateKind::declaration: return "declaration";
    case TemplateKind::structure: return "structure";
    case TemplateKind::unique: return "unique";
  }
  return "?";
}

void execute_template(ObjectContext& context, const Template& what, bool all) {
  StackGuard::check();
  if (!all && (what.kind == TemplateKind::unique || what.kind == TemplateKind::declaration)) return;
  const std::size_t depth = context.calls.size();
  for (const Statement& s : what.statements) {
    TimeGuard::tick();
    using Kind = Statement::Kind;
    if (!all && (s.kind == Kind::function || s.kind == Kind::type || s.kind == Kind::bind || s.kind == Kind::bind_dynamic)) {
      // Where the template is new, this is executed.
      if (context.recording != nullptr) context.recording->give_up();
      continue;
    }
    try {
      if (context.tracer != nullptr)
        execute_traced(context, s);
      else
        execute(context, s);
    } catch (Failure& failure) {
      // What went wrong inside an included template was located there.
      context.locate(*failure.problem, s.span);
      throw;
    } catch (...) {
      exhausted_in(context, depth, s);
    }
  }
}

void build_object(ObjectContext& context) {
  const Template& object = *context.object_template;
  context.loaded.emplace(object.name, context.object_template);
  context.global(Names::object) = {Value::share(object.name_text), true};
  context.global(Names::loadpath) = {Value::list(), false};
  context.current = &object;
  if (context.tracer != nullptr) context.tracer->begin(context);
  execute_template(context, object, true);
  context.self = {};
  try {
    fill_defaults(context);
  } catch (Failure& failure) {
    if (failure.problem->place.source == nullptr) failure.problem->place.source = object.source;
    throw;
  }
  context.root.freeze();
}

void validate_object(ObjectContext& context) {
  context.validating = true;
  const SourcePtr& file = context.object_template->source;
  auto finish = [&](Failure& failure) {
    if (failure.problem->place.source == nullptr) failure.problem->place.source = file;
    failure.problem->traced = true;
  };
  check_tree(context);
  Evaluator evaluator(context);
  for (const Binding& binding : context.bindings) {
    Value self;
    try {
      if (const Value* now = follow(context.root, binding.path.terms.data(), count(binding.path), false)) self = *now;
    } catch (const Failure&) {
      // A path that cannot exist: reported as missing.
    }
    for (const FullType* type : binding.types) {
      try {
        validate(*type, evaluator, self);
      } catch (Failure& failure) {
        Problem& problem = *failure.problem;
        problem.bound_path = binding.path.text();
        problem.path = problem.path.empty() ? problem.bound_path
                                            : (binding.path.terms.empty() ? "/" : problem.bound_path + "/") + problem.path;
        problem.bound_type = type->base->text(context.names);
        problem.bound_place = type->place();
        problem.origin = context.origin(problem.path);
        finish(failure);
        throw;
      }
    }
  }
}

std::string substitute_variables(std::string_view text, const std::function<std::string(std::string_view)>& lookup) {
  // Variables that hold each other several times double with each step, even when no text comes of it.
  constexpr int kMostExpansions = 1'000'000;
  int expansions = 0;
  std::vector<std::string> active;
  std::function<std::string(std::string_view)> expand = [&](std::string_view in) {
    StackGuard::check();
    if (++expansions > kMostExpansions) raise_evaluation(fmt::format("more than {} substitutions in one text", kMostExpansions));
    std::string out;
    std::size_t at = 0;
    while (at < in.size()) {
      if (in.compare(at, 3, "$${") == 0) {
        const std::size_t close = in.find('}', at);
        const std::size_t end = close == std::string_view::npos ? in.size() : close + 1;
        out += in.substr(at + 1, end - at - 1);
        at = end;
        continue;
      }
      const std::size_t close = in.compare(at, 2, "${") == 0 ? in.find('}', at + 2) : std::string_view::npos;
      if (close == std::string_view::npos) {
        out += in[at++];
        continue;
      }
      std::string_view name = in.substr(at + 2, close - at - 2);
      if (const std::size_t colon = name.find(":-"); colon != std::string_view::npos) name = name.substr(0, colon);
      if (std::find(active.begin(), active.end(), name) != active.end())
        raise_evaluation(fmt::format("the variable '{}' is substituted by itself", name));
      const std::string value = lookup(name);
      active.emplace_back(name);
      out += expand(value);
      active.pop_back();
      if (out.size() > (64u << 20)) raise_evaluation("the substituted text is larger than 64 MiB");
      at = close + 1;
    }
    return out;
  };
  return expand(text);
}

}  // namespace cdb::pan
