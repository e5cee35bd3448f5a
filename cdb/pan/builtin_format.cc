#include <vector>

#include "cdb/pan/build.h"
#include "cdb/pan/builtin_list.h"
#include "cdb/pan/java/java.h"
#include "cdb/pan/json_text.h"

namespace cdb::pan::library {

std::string formatted(Evaluator& e, const Op& op) {
  std::vector<Value> values;
  for (std::uint32_t i = 0; i < op.count; ++i) values.push_back(argument(e, op, i));
  if (!values[0].is_string()) wrong_argument(op, 0, "a string", values[0]);
  std::vector<std::string> texts;
  texts.reserve(values.size());
  std::vector<java::FormatArg> args;
  for (std::size_t i = 1; i < values.size(); ++i) {
    const Value& v = values[i];
    switch (v.tag()) {
      case Tag::boolean: args.emplace_back(v.as_boolean()); break;
      case Tag::integer: args.emplace_back(v.as_integer()); break;
      case Tag::real: args.emplace_back(v.as_real()); break;
      case Tag::string: args.emplace_back(v.as_string()); break;
      case Tag::list:
      case Tag::dict: args.emplace_back(std::string_view(texts.emplace_back(text_of(v)))); break;
      default:
        raise(Problem::Kind::evaluation, "all arguments to format() must be primitive types", op.span,
              fmt::format("one of them is {}", tag_name(v.tag())));
    }
  }
  auto text = java::format(values[0].as_string(), args);
  if (!text)
    raise(Problem::Kind::evaluation,
          fmt::format("invalid format specification or mismatched types in format(): {}", text.error().message), op.span,
          text.error().hint);
  return std::move(*text);
}

Op* check_message(Builder& builder, Op* op) {
  if (op->count == 1 && is_constant(op->args[0]) && !op->args[0]->value.is_string())
    builder.syntax_error(wrong_argument_text(op->function->name, op->count, 0, op->args[0]->value), op->span);
  return op;
}

Op* check_deprecated(Builder& builder, Op* op) {
  const Op *level = op->args[0], *text = op->args[1];
  if (is_constant(level) && !(level->value.is_integer() && level->value.as_integer() >= 0))
    builder.syntax_error("first argument of deprecated() must be a non-negative long", op->span);
  else if (is_constant(text) && !text->value.is_string())
    builder.syntax_error("second argument of deprecated() must be a string", op->span);
  return op;
}

Value format_function(Evaluator& e, const Op& op) {
  return Value::string(formatted(e, op));
}

Value substitute(Evaluator& e, const Op& op) {
  const Value text = string_argument(e, op, 0);
  Value values;
  if (op.count == 2) {
    values = argument(e, op, 1);
    if (!values.is_dict()) wrong_argument(op, 1, "a dict", values);
  }
  const std::string out = substitute_variables(text.as_string(), [&](std::string_view name) {
    const Value* found = nullptr;
    Value held;
    if (values.exists()) {
      found = values.node()->find(name);
    } else {
      held = e.variable_by_name(name);
      if (held.exists()) found = &held;
    }
    if (found == nullptr)
      raise(Problem::Kind::evaluation, fmt::format("variable ({}) undefined in substitute()", name), op.span,
            e.undefined_variable_hint(name));
    return text_of(*found);
  });
  return Value::string(out);
}

Value json_encode(Evaluator& e, const Op& op) {
  const Value v = argument(e, op, 0);
  TextBuffer out(kMostText);
  write_json(out, v);
  return Value::string(out.view());
}

Value json_decode(Evaluator& e, const Op& op) {
  const Value text = string_argument(e, op, 0);
  return read_json(text.as_string());
}

Value error(Evaluator& e, const Op& op) {
  std::string text;
  if (op.count == 1) {
    const Value v = argument(e, op, 0);
    if (!v.is_string()) raise_evaluation("the first argument for error() needs to be a string", op.span);
    text = v.as_string();
  } else {
    text = formatted(e, op);
  }
  raise_evaluation(fmt::format("[{}] user-initiated error: {}", e.context() != nullptr ? e.context()->name : "?", text), op.span);
}

Value debug(Evaluator& e, const Op& op) {
  std::string text;
  Value result;
  if (op.count == 1) {
    result = argument(e, op, 0);
    if (!result.is_string()) wrong_argument(op, 0, "a string", result);
  } else {
    result = Value::string(formatted(e, op));
  }
  e.context()->note(Diagnostic::Severity::note, fmt::format("[{}] {}", e.context()->name, result.as_string()), op.span);
  return result;
}

Value traceback(Evaluator& e, const Op& op) {
  Value text = string_argument(e, op, 0);
  e.context()->note(Diagnostic::Severity::note, std::string(text.as_string()), op.span);
  return text;
}

Value deprecated(Evaluator& e, const Op& op) {
  if (e.at_compile_time()) return Value::boolean(true);
  const std::int64_t level = long_argument(e, op, 0);
  const Value text = string_argument(e, op, 1);
  if (level < 0) raise_evaluation("first argument of deprecated() must be a non-negative long", op.span);
  switch (e.context()->options.warnings) {
    case Options::Warnings::on: e.context()->note(Diagnostic::Severity::warning, std::string(text.as_string()), op.span); break;
    case Options::Warnings::fatal: raise_evaluation(fmt::format("deprecation error: {}", text.as_string()), op.span);
    case Options::Warnings::off: break;
  }
  return Value::boolean(true);
}

}  // namespace cdb::pan::library
