#include "cdb/pan/object_context.h"

#include <fmt/format.h>

#include <algorithm>
#include <tuple>

#include "base/text/text.h"
#include "cdb/pan/diagnostic.h"
#include "cdb/pan/engine.h"
#include "cdb/pan/evaluator.h"
#include "cdb/pan/resource_limit.h"
#include "cdb/pan/source_path.h"

namespace cdb::pan {

void FinalPaths::add(const Path& path) {
  Step* at = &root_;
  for (const Term& term : path.terms) at = &at->children[term.text()];
  at->final = true;
  any_ = true;
}

std::string FinalPaths::reason(const Path& path) const {
  if (!any_) return {};
  const Step* at = &root_;
  std::string text;
  for (const Term& term : path.terms) {
    text += "/" + term.text();
    const auto found = at->children.find(term.text());
    if (found == at->children.end()) return {};
    at = &found->second;
    if (at->final) return text;
  }
  if (at->final) return "/";
  while (!at->children.empty() && !at->final) {
    text += "/" + at->children.begin()->first;
    at = &at->children.begin()->second;
  }
  return at->final ? text : std::string();
}

ObjectContext::ObjectContext(Engine& engine_, const Options& options_, Names& names_, std::string name_)
    : engine(engine_), options(options_), names(names_), name(std::move(name_)) {
  globals.resize(names.size());
  functions.resize(names.size());
  types.resize(names.size());
  for (const BuiltinType& type : engine.builtin_types()) types[type.name] = {type.type, nullptr, {}};
}

Global& ObjectContext::global(Symbol symbol) {
  // Templates parsed meanwhile bring new names.
  if (symbol >= globals.size()) globals.resize(std::max<std::size_t>(names.size(), symbol + 1));
  return globals[symbol];
}

void ObjectContext::set_global(Global& global, Value value) {
  if (global.final) raise_evaluation("cannot modify final global variable");
  check_replacement(global.value, value);
  value.freeze();
  global.value = std::move(value);
}

void ObjectContext::define_function(const Statement& statement, const Template& owner) {
  if (statement.name >= functions.size()) functions.resize(std::max<std::size_t>(names.size(), statement.name + 1));
  Function& function = functions[statement.name];
  if (function.statement != nullptr) {
    raise_evaluation(fmt::format("duplicate function definition: {}\nprevious definition [{}]", names.text(statement.name),
                                 place_text({function.owner->source, function.statement->span})));
  }
  function = {&statement, &owner, Value::string(names.text(statement.name))};
  if (memo != nullptr) environment = memo->after(environment, &statement);
}

void ObjectContext::define_type(Symbol symbol, const FullType& type, const Template* owner, Span span) {
  if (symbol >= types.size()) types.resize(std::max<std::size_t>(names.size(), symbol + 1));
  const auto seen = memo != nullptr ? memo->seen_after(environment, &type) : std::nullopt;
  if (!seen) {
    Evaluator evaluator(*this);
    verify_defined(type, evaluator);
  }
  TypeEntry& entry = types[symbol];
  if (entry.type != nullptr) {
    raise_evaluation(entry.owner == nullptr ? fmt::format("type {} is built in and cannot be defined", names.text(symbol))
                                            : fmt::format("duplicate type definition: {}\nprevious definition [{}]",
                                                          names.text(symbol), place_text({entry.owner->source, entry.span})));
  }
  entry = {&type, owner, span};
  if (memo != nullptr) environment = seen ? *seen : memo->after(environment, &type);
}

void ObjectContext::bind(Path path, const FullType& type) {
  Evaluator evaluator(*this);
  verify_defined(type, evaluator);
  auto at = std::lower_bound(bindings.begin(), bindings.end(), path,
                             [](const Binding& b, const Path& p) { return binding_order(b.path, p); });
  if (at == bindings.end() || binding_order(path, at->path)) at = bindings.insert(at, Binding{std::move(path), {}});
  at->types.push_back(&type);
}

void ObjectContext::push(const Template* callee, Span span, bool call, std::string_view callee_name) {
  const int limit = options.max_recursion > 0 ? options.max_recursion : 1'000'000;
  if (static_cast<int>(calls.size()) + 1 > limit) {
    raise(Problem::Kind::evaluation, fmt::format("call depth limit ({}) exceeded", limit), span,
          "raise --max-recursion if the recursion is right");
  }
  calls.push_back({current, span, call, callee_name});
  current = callee;
  if (recording != nullptr) recording->depth(calls.size());
}

void ObjectContext::too_many_steps(Span span) const {
  raise(Problem::Kind::evaluation, fmt::format("more than {} loop iterations and calls in this object", options.max_steps), span,
        "look for loops inside loops, or a function that calls itself several times");
}

void ObjectContext::pop() {
  current = calls.back().caller;
  calls.pop_back();
}

void ObjectContext::keep_reads_few() {
  if (lookups.size() + object_reads.size() + prefix_reads.size() < most_reads) return;
  constexpr std::size_t kMostReads = 1'000'000;
  auto key = [](const Read& r) { return std::tie(r.kind, r.name, r.root, r.path); };
  for (auto* reads : {&object_reads, &prefix_reads}) {
    std::sort(reads->begin(), reads->end(), [&](const Read& a, const Read& b) { return key(a) < key(b); });
    reads->erase(std::unique(reads->begin(), reads->end(), [&](const Read& a, const Read& b) { return key(a) == key(b); }),
                 reads->end());
  }
  std::sort(lookups.begin(), lookups.end());
  lookups.erase(std::unique(lookups.begin(), lookups.end()), lookups.end());
  const std::size_t count = lookups.size() + object_reads.size() + prefix_reads.size();
  if (count >= kMostReads)
    raise(Problem::Kind::evaluation,
          fmt::format("this object looks for more than {} templates, files and paths of other objects", kMostReads), {},
          "look for a loop that makes up names");
  most_reads = std::max(most_reads, std::min(2 * count, kMostReads));
}

// With a LOADPATH one look-up asks for several names: a file added under one that was asked before counts too.
void ObjectContext::record(const Lookup& lookup) {
  lookups.push_back(lookup);
  keep_reads_few();
  if (loadpath.size() == 1) return;
  const auto kind = lookup.text ? Read::Kind::text_file : Read::Kind::template_file;
  bool before = true;
  for (const std::string& prefix : loadpath) {
    if (lookup.root >= 0 && prefix == lookup.prefix) {
      before = false;
      continue;
    }
    const std::int32_t last = lookup.root < 0 ? -1 : before ? lookup.root : lookup.root - 1;
    if (lookup.root < 0 || last >= 0) prefix_reads.push_back({kind, join_path(prefix, lookup.name), last, {}});
  }
}

std::shared_ptr<const Template> ObjectContext::load(const std::string& template_name, bool lookup, bool& fresh) {
  fresh = false;
  if (recording != nullptr) recording->load(template_name, lookup);
  if (auto found = loaded.find(template_name); found != loaded.end()) return found->second;
  fresh = true;
  Repository& repository = engine.repository();
  const Repository::Found& found = repository.find(template_name, loadpath, false);
  Lookup entry = found.lookup;
  entry.only = lookup;
  record(entry);
  if (found.path.empty()) {
    if (lookup) return nullptr;
    // Only what this object found itself: what others asked for before must not change its message.
    std::vector<std::string> known;
    for (const Lookup& other : lookups)
      if (other.root >= 0 && !other.text) known.push_back(other.name);
    const auto similar = similar_names(template_name, known);
    raise(Problem::Kind::evaluation, fmt::format("cannot locate template named '{}'", template_name), {},
          similar.empty() ? "check its name and the include path" : fmt::format("did you mean {}?", fmt::join(similar, ", ")));
  }
  std::shared_ptr<const Template> result = repository.parsed(found.path);
  if (result->name != template_name) {
    if (lookup) return nullptr;
    raise_evaluation(
        fmt::format("the file {} should contain template '{}' but contains '{}'", found.path, template_name, result->name));
  }
  if (!lookup) {
    loaded.emplace(result->name, result);
    if (result->kind == TemplateKind::object) {
      objects.push_back(result->name);
      engine.reference(result->name);
    }
  }
  return result;
}

std::shared_ptr<const std::string> ObjectContext::text_file(const std::string& file_name) {
  if (recording != nullptr) recording->give_up();
  const Repository::Found& found = engine.repository().find(file_name, loadpath, true);
  record(found.lookup);
  return found.path.empty() ? nullptr : engine.repository().content(found.path);
}

Place ObjectContext::origin(std::string_view path) const {
  for (auto at = assignments.rbegin(); at != assignments.rend(); ++at) {
    const std::string set = at->path->text();
    if (path == set || set == "/" || (path.starts_with(set) && path[set.size()] == '/')) return {at->owner->source, at->span};
  }
  return {};
}

void ObjectContext::locate(Problem& problem, Span span) const {
  if (problem.traced) return;
  problem.traced = true;
  if (!problem.place.span.known() && problem.place.source == nullptr) problem.place.span = span;
  if (problem.place.source == nullptr && current != nullptr) problem.place.source = current->source;
  for (auto step = calls.rbegin(); step != calls.rend(); ++step)
    problem.trace.push_back(
        {{step->caller != nullptr ? step->caller->source : nullptr, step->span}, step->call, std::string(step->name)});
}

void ObjectContext::note(Diagnostic::Severity severity, std::string message, Span span) {
  if (recording != nullptr) recording->give_up();
  constexpr std::size_t kMostNotes = 10'000;
  TimeGuard::check();
  if (diagnostics.size() > kMostNotes) return;
  if (diagnostics.size() == kMostNotes) {
    severity = Diagnostic::Severity::warning;
    message = fmt::format("[{}] more than {} messages: the others are left out", name, kMostNotes);
  }
  Problem problem;
  problem.message = shortened(std::move(message));
  problem.place.span = span;
  locate(problem, span);
  Diagnostic diagnostic = to_diagnostic(problem, name);
  diagnostic.severity = severity;
  diagnostic.kind = severity == Diagnostic::Severity::warning ? "warning" : "note";
  diagnostic.reference_text = diagnostic.message;
  diagnostics.push_back(std::move(diagnostic));
}

std::vector<std::string> similar_names(std::string_view wanted, const std::vector<std::string>& known) {
  return base::text::did_you_mean(wanted, known);
}

}  // namespace cdb::pan
