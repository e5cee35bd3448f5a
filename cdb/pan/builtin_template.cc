#include "base/compress/compress.h"
#include "cdb/pan/build.h"
#include "cdb/pan/builtin_list.h"
#include "cdb/pan/engine.h"

namespace cdb::pan::library {

namespace {

// The path a constant argument names; a wrong one becomes the syntax error it is.
Op* constant_path(Builder& builder, Op* op, bool report) {
  if (!is_constant(op->args[0], Tag::string)) return op;
  try {
    op->path = builder.path(op->args[0]->value.as_string());
  } catch (Failure& failure) {
    if (!report) return op;
    if (failure.problem->kind == Problem::Kind::syntax) failure.problem->place.span = op->span;
    builder.remember(failure);
  }
  return op;
}

HeldPath path_argument(const Op& op, const Value& v) {
  try {
    return HeldPath(parse_path(v.as_string()));
  } catch (Failure& failure) {
    failure.problem->kind = Problem::Kind::evaluation;
    failure.problem->place.span = op.span;
    throw;
  }
}

bool good_file_name(const Value& v) {
  return v.is_string() && !v.as_string().empty() && v.as_string()[0] != '/';
}

std::string file_argument(const Op& op, const Value& v) {
  if (!good_file_name(v)) raise_evaluation(fmt::format("{}() requires a relative file name", op.function->name), op.span);
  // The name may not lead out of the include path.
  std::string_view rest = v.as_string();
  while (!rest.empty()) {
    const std::size_t slash = rest.find('/');
    if (rest.substr(0, slash) == "..")
      raise_evaluation(fmt::format("{}() takes a file below the include path, not '{}'", op.function->name, v.as_string()),
                       op.span);
    rest = slash == std::string_view::npos ? std::string_view{} : rest.substr(slash + 1);
  }
  if (!valid_template_name(v.as_string())) raise_evaluation(fmt::format("'{}' is not a valid file name", v.as_string()), op.span);
  return std::string(v.as_string());
}

// Does a template with this name exist and parse to it?
bool template_exists(Evaluator& e, const std::string& name) {
  try {
    bool fresh = false;
    return e.context()->load(name, true, fresh) != nullptr;
  } catch (const Failure& failure) {
    if (e.context()->recording != nullptr) e.context()->recording->give_up();
    // One that cannot be parsed exists nevertheless; it fails when it is included.
    return failure.problem->kind != Problem::Kind::syntax;
  }
}

// create()'s surroundings, restored on every way out.
class StructureScope {
 public:
  explicit StructureScope(ObjectContext& context) : context_(context) {
    std::swap(root_, context.relative_root);
    std::swap(self_, context.self);
    context.relative_root = Value::dict();
    if (context.tracer != nullptr) context.tracer->enter_structure();
  }
  ~StructureScope() {
    if (context_.tracer != nullptr) context_.tracer->leave_structure();
    std::swap(root_, context_.relative_root);
    std::swap(self_, context_.self);
  }
  StructureScope(const StructureScope&) = delete;

 private:
  ObjectContext& context_;
  Value root_;
  Self self_;
};

// What a structure template builds.
Value structure(ObjectContext& context, const std::string& name, Span span) {
  StructureScope scope(context);
  bool fresh = false;
  const auto what = context.load(name, false, fresh);
  if (what->kind != TemplateKind::structure)
    raise(Problem::Kind::evaluation, "first argument of create() must be the name of structure template", span,
          fmt::format("{} is an {} template", what->name, template_kind_name(what->kind)));
  const Memo::Key key{what.get(), nullptr, context.environment, Memo::Part::structure};
  if (remembers(context))
    if (const Value* known = context.memo->find(key, context, nullptr)) return *known;
  Recorder recorder(context, key, nullptr);
  context.push(what.get(), span, false, what->name);
  try {
    execute_template(context, *what, fresh);
  } catch (...) {
    context.pop();
    throw;
  }
  context.pop();
  Value result = std::move(context.relative_root);
  if (result.node()->refs == 1) recorder.keep(result);
  return result;
}

}  // namespace

Op* check_create(Builder& builder, Op* op) {
  if (op->count % 2 != 1) builder.syntax_error("create() requires an odd number of arguments", op->span);
  return op;
}

Op* check_value(Builder& builder, Op* op) {
  return constant_path(builder, op, false);
}

Op* check_exists(Builder& builder, Op* op) {
  if (is_variable(op->args[0])) {
    op->args[0]->lookup = true;
    return op;
  }
  if (is_constant(op->args[0]) && !op->args[0]->value.is_string()) {
    builder.syntax_error("exists() requires one variable reference or string argument", op->span);
    return op;
  }
  return constant_path(builder, op, false);
}

Op* check_path_exists(Builder& builder, Op* op) {
  if (is_constant(op->args[0]) && !op->args[0]->value.is_string()) {
    builder.syntax_error("path_exists() requires exactly one string argument", op->span);
    return op;
  }
  op = constant_path(builder, op, true);
  if (op->path != nullptr && op->path->type == Path::Type::relative)
    builder.syntax_error("relative path is not allowed", op->span);
  return op;
}

Op* check_file(Builder& builder, Op* op) {
  if (is_constant(op->args[0]) && !good_file_name(op->args[0]->value))
    builder.syntax_error(fmt::format("{}() requires a relative file name", op->function->name), op->span);
  return op;
}

Value create(Evaluator& e, const Op& op) {
  ObjectContext& context = *e.context();
  std::vector<Value> values;
  for (std::uint32_t i = 0; i < op.count; ++i) values.push_back(argument(e, op, i));
  if (!values[0].is_string()) wrong_argument(op, 0, "a string", values[0]);
  Value result = structure(context, std::string(values[0].as_string()), op.span);
  for (std::uint32_t i = 1; i < op.count; i += 2) {
    if (!values[i].is_string())
      raise_evaluation(
          fmt::format("key arguments of create() must be strings; argument {} is of type {}", i, tag_name(values[i].tag())),
          op.span);
    const Term term = make_term(values[i].str());
    if (!term.is_key()) raise_evaluation(fmt::format("invalid key ({}) for create()", values[i].as_string()), op.span);
    put_child(result, term, std::move(values[i + 1]));
  }
  if (context.tracer != nullptr) context.tracer->made_structure(op.span, values, result);
  return result;
}

Value value(Evaluator& e, const Op& op) {
  Value name, fallback;
  if (op.path == nullptr) name = argument(e, op, 0);
  if (op.count == 2) fallback = argument(e, op, 1);
  if (op.path == nullptr && !name.is_string()) wrong_argument(op, 0, "a string", name);
  const HeldPath computed = op.path == nullptr ? path_argument(op, name) : HeldPath();
  const Path& path = op.path != nullptr ? *op.path : *computed;
  Value result = e.element(path, true);
  if (!result.exists() || (result.is_undef() && op.count == 2)) {
    if (op.count != 2) raise_evaluation(fmt::format("referenced path ({}) doesn't exist", path.text()), op.span);
    return std::move(fallback).duplicate();
  }
  return result;
}

Value exists(Evaluator& e, const Op& op) {
  const Value v = argument(e, op, 0);
  if (is_variable(op.args[0])) return Value::boolean(v.exists());
  if (!v.is_string()) wrong_argument(op, 0, "a variable or a string", v);
  HeldPath computed;
  const Path* path = op.path;
  if (path == nullptr) {
    try {
      computed = HeldPath(parse_path(v.as_string()));
      path = &*computed;
    } catch (const Failure&) {
      // It may be a template's name.
    }
  }
  if (path != nullptr && path->type != Path::Type::relative) return Value::boolean(e.element(*path, true, true).exists());
  if (!valid_template_name(v.as_string()))
    raise_evaluation("exists() requires a valid external path, absolute path, or template name", op.span);
  return Value::boolean(template_exists(e, std::string(v.as_string())));
}

Value path_exists(Evaluator& e, const Op& op) {
  const Value v = argument(e, op, 0);
  if (!v.is_string()) wrong_argument(op, 0, "a string", v);
  const HeldPath computed = op.path == nullptr ? path_argument(op, v) : HeldPath();
  const Path& path = op.path != nullptr ? *op.path : *computed;
  if (path.type == Path::Type::relative) raise_evaluation("relative path is not allowed", op.span);
  return Value::boolean(e.element(path, true, true).exists());
}

Value if_exists(Evaluator& e, const Op& op) {
  Value name = string_argument(e, op, 0);
  if (!valid_template_name(name.as_string()))
    raise_evaluation(fmt::format("invalid template name: {}", name.as_string()), op.span);
  return template_exists(e, std::string(name.as_string())) ? name : Value::undef();
}

Value file_contents(Evaluator& e, const Op& op) {
  const Value v = argument(e, op, 0);
  Value compression;
  if (op.count == 2) compression = string_argument(e, op, 1);
  const std::string name = file_argument(op, v);
  const auto content = e.context()->text_file(name);
  if (content == nullptr) raise_evaluation(fmt::format("file ({}) does not exist", name), op.span);
  if (content->size() > kMostText)
    raise_evaluation(fmt::format("file ({}) has {} bytes, more than the {} allowed", name, content->size(), kMostText), op.span);
  if (!compression.exists()) return Value::string(clean_utf8(*content));
  if (compression.as_string() != "gzip")
    raise(Problem::Kind::evaluation, fmt::format("invalid compression name ({})", compression.as_string()), op.span,
          "only gzip is known");
  auto plain = base::compress::gunzip(*content);
  if (!plain)
    raise(Problem::Kind::evaluation, fmt::format("file ({}) cannot be uncompressed: {}", name, plain.error().message), op.span,
          plain.error().hint);
  return Value::string(clean_utf8(*plain));
}

Value file_exists(Evaluator& e, const Op& op) {
  return Value::boolean(e.context()->text_file(file_argument(op, argument(e, op, 0))) != nullptr);
}

}  // namespace cdb::pan::library

namespace cdb::pan {

Value Evaluator::element(const Path& path, bool lookup, bool existence_only) {
  if (context_ == nullptr) raise_evaluation("paths are not known at compile time");
  const auto count = static_cast<std::uint32_t>(path.terms.size());
  const Value* start = &context_->root;
  if (path.type == Path::Type::relative) {
    if (!context_->relative_root.exists())
      raise_evaluation(fmt::format("relative path ('{}') cannot be used to retrieve element in configuration", path.text()));
    start = &context_->relative_root;
  } else if (path.type == Path::Type::external && path.authority != context_->name) {
    if (context_->recording != nullptr) context_->recording->give_up();
    return context_->engine.other_element(*context_, path, lookup);
  }
  const Value* found = follow(*start, path.terms.data(), count, lookup);
  if (context_->recording != nullptr) context_->recording->element(path, found, existence_only);
  if (found == nullptr) return {};
  found->freeze();
  return *found;
}

}  // namespace cdb::pan
