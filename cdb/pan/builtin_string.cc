#include <array>
#include <charconv>

#include "base/crypto/crypto.h"
#include "cdb/pan/builtin_list.h"
#include "cdb/pan/java/java.h"
#include "cdb/pan/repository.h"

namespace cdb::pan::library {

namespace {

[[noreturn]] void wrong_regex(const base::Error& error, Span span) {
  raise(Problem::Kind::evaluation, fmt::format("invalid regular expression: {}", error.message), span, error.hint);
}

// What a match can fail with: it took too many steps.
template <class T>
T take(base::Result<T> result, Span span) {
  if (!result) raise(Problem::Kind::evaluation, result.error().message, span, result.error().hint);
  return std::move(*result);
}

// Patterns computed at run time are few and come back often.
const java::Regex& cached_regex(std::string_view pattern, std::string_view flags, Span span) {
  struct Slot {
    std::string key;
    std::optional<java::Regex> regex;
  };
  static thread_local std::array<Slot, 64> cache;
  std::string key(flags);
  key += '/';
  key += pattern;
  Slot& slot = cache[std::hash<std::string>{}(key) % cache.size()];
  if (slot.regex && slot.key == key) return *slot.regex;
  auto compiled = java::Regex::compile(pattern, flags);
  if (!compiled) wrong_regex(compiled.error(), span);
  slot.key = std::move(key);
  slot.regex = std::move(*compiled);
  return *slot.regex;
}

void check_flags(std::string_view flags, Span span) {
  const std::size_t wrong = flags.find_first_not_of("ismux");
  if (wrong == std::string_view::npos) return;
  // A character of several bytes is shown whole.
  std::size_t end = wrong + 1;
  while (end < flags.size() && (static_cast<unsigned char>(flags[end]) & 0xc0) == 0x80) ++end;
  raise(Problem::Kind::evaluation,
        fmt::format("invalid matching flag for regular expression: {}", flags.substr(wrong, end - wrong)), span,
        "use i, s, m, u, x");
}

struct Matching {
  Value subject;
  const java::Regex* regex;
};
Matching matching(Evaluator& e, const Op& op) {
  Value values[3];
  for (std::uint32_t i = 0; i < op.count; ++i) {
    if (i > 0 && op.regex != nullptr) break;
    values[i] = argument(e, op, i);
  }
  for (std::uint32_t i = 0; i < op.count; ++i) {
    if (i > 0 && op.regex != nullptr) break;
    if (!values[i].is_string())
      raise_evaluation(fmt::format("{}() arguments must all be strings; {} found", op.function->name, tag_name(values[i].tag())),
                       op.span);
  }
  if (op.regex != nullptr) return {std::move(values[0]), op.regex};
  const std::string_view flags = op.count == 3 ? values[2].as_string() : std::string_view();
  check_flags(flags, op.span);
  return {std::move(values[0]), &cached_regex(values[1].as_string(), flags, op.span)};
}

const java::Regex& first_pattern(Evaluator& e, const Op& op) {
  if (op.regex != nullptr) return *op.regex;
  const Value pattern = argument(e, op, 0);
  if (!pattern.is_string()) wrong_argument(op, 0, "a regular expression", pattern);
  return cached_regex(pattern.as_string(), {}, op.span);
}

std::int64_t length16(const Value& s) {
  return static_cast<std::int64_t>(s.str()->ascii ? s.as_string().size() : java::utf16_length(s.as_string()));
}
std::string piece(const Value& s, std::int64_t start, std::int64_t length) {
  if (s.str()->ascii) return std::string(s.as_string().substr(static_cast<std::size_t>(start), static_cast<std::size_t>(length)));
  return java::utf16_substr(s.as_string(), static_cast<std::size_t>(start), static_cast<std::size_t>(length));
}

// Java takes algorithm names in any case and "SHA" for SHA-1.
base::Result<std::string> digest_hex(std::string_view algorithm, std::string_view data) {
  const std::string name = java::to_uppercase(algorithm);
  return base::crypto::digest_hex(name == "SHA" ? "SHA-1" : name, data);
}

}  // namespace

// ---- parse time

Op* check_match(Builder& builder, Op* op) {
  for (std::uint32_t i = 0; i < op->count; ++i) {
    if (is_constant(op->args[i]) && !op->args[i]->value.is_string()) {
      builder.syntax_error(
          fmt::format("{}() arguments must all be strings; {} found", op->function->name, tag_name(op->args[i]->value.tag())),
          op->span);
      return op;
    }
  }
  std::string_view flags;
  if (op->count == 3 && is_constant(op->args[2])) {
    flags = op->args[2]->value.as_string();
    try {
      check_flags(flags, op->span);
    } catch (Failure& failure) {
      failure.problem->kind = Problem::Kind::syntax;
      builder.remember(failure);
      return op;
    }
  }
  if (!is_constant(op->args[1])) return op;
  const java::Regex* regex = builder.regex(op->args[1]->value.as_string(), flags, op->args[1]->span);
  if (op->count < 3 || is_constant(op->args[2])) op->regex = regex;
  return op;
}

Op* check_pattern(Builder& builder, Op* op) {
  if (!is_constant(op->args[0], Tag::string)) return op;
  // A wrong pattern is an evaluation error here, found when (and if) the call runs.
  op->regex = builder.regex(op->args[0]->value.as_string(), {}, op->span, false);
  return op;
}

Op* check_join(Builder& builder, Op* op) {
  if (is_constant(op->args[0], Tag::null) || is_constant(op->args[1], Tag::null))
    builder.syntax_error("value cannot be null for join()", op->span);
  if (op->count == 2 && is_constant(op->args[1]) && !op->args[1]->value.is_list())
    builder.syntax_error("second argument of join() must be a variable reference or a list", op->span);
  return op;
}

namespace {
Op* fold_text(Builder& builder, Op* op, std::string (*function)(std::string_view)) {
  if (!is_constant(op->args[0])) return op;
  const Value& v = op->args[0]->value;
  if (!v.is_string()) {
    builder.syntax_error(wrong_argument_text(op->function->name, op->count, 0, v), op->span);
    return op;
  }
  try {
    return builder.constant(Value::string(function(v.as_string())), op->span);
  } catch (Failure& failure) {
    failure.problem->kind = Problem::Kind::syntax;
    failure.problem->place.span = op->span;
    builder.remember(failure);
    return op;
  }
}
}  // namespace

Op* check_escape(Builder& builder, Op* op) {
  return fold_text(builder, op, escape);
}
Op* check_unescape(Builder& builder, Op* op) {
  return fold_text(builder, op, unescape);
}

Op* check_digest(Builder& builder, Op* op) {
  if (is_constant(op->args[0])) {
    if (!op->args[0]->value.is_string())
      builder.syntax_error("first argument of digest() must be a string", op->span);
    else if (auto known = digest_hex(op->args[0]->value.as_string(), ""); !known)
      builder.syntax_error(fmt::format("invalid digest algorithm ({})", op->args[0]->value.as_string()), op->span,
                           known.error().hint);
  }
  if (is_constant(op->args[1]) && !op->args[1]->value.is_string()) {
    try {
      wrong_argument(*op, 1, "a string", op->args[1]->value);
    } catch (const Failure& failure) {
      builder.remember(failure);
    }
  }
  return op;
}

// ---- run time

Value match(Evaluator& e, const Op& op) {
  const Matching m = matching(e, op);
  return Value::boolean(take(m.regex->find(m.subject.as_string()), op.span));
}

Value matches(Evaluator& e, const Op& op) {
  const Matching m = matching(e, op);
  const auto groups = take(m.regex->groups(m.subject.as_string()), op.span);
  Value result = Value::list();
  if (!groups) return result;
  // Trailing groups that took no part are left out; the views tell by pointing nowhere.
  std::size_t last = 0;
  for (std::size_t i = 0; i < groups->size(); ++i)
    if ((*groups)[i].data() != nullptr) last = i;
  for (std::size_t i = 0; i <= last; ++i) result.node()->push_back(Value::string((*groups)[i]));
  return result;
}

Value replace(Evaluator& e, const Op& op) {
  const java::Regex& regex = first_pattern(e, op);
  const Value by = string_argument(e, op, 1), subject = string_argument(e, op, 2);
  return Value::string(take(regex.replace_all(subject.as_string(), by.as_string()), op.span));
}

Value split(Evaluator& e, const Op& op) {
  const java::Regex regex = first_pattern(e, op);
  const std::int64_t limit = op.count == 3 ? static_cast<std::int32_t>(long_argument(e, op, 1)) : 0;
  const Value subject = string_argument(e, op, op.count - 1);
  Value result = Value::list();
  for (const std::string& part : take(regex.split(subject.as_string(), limit), op.span))
    result.node()->push_back(Value::string(part));
  return result;
}

Value substr(Evaluator& e, const Op& op) {
  const Value s = string_argument(e, op, 0);
  const std::int64_t size = length16(s);
  auto int_argument = [&](std::uint32_t i) {
    const std::int64_t v = long_argument(e, op, i);
    if (v > INT32_MAX || v < INT32_MIN)
      raise_evaluation(fmt::format("{} argument to substr() cannot be converted to int: {}", i == 1 ? "second" : "third", v),
                       op.span);
    return v;
  };
  std::int64_t start = int_argument(1);
  if (start < 0) start += size;
  if (start > size) raise_evaluation("start index in substr() is greater than the string length", op.span);
  if (start < 0) raise_evaluation("start index in substr() is less than zero", op.span);
  std::int64_t end = size;
  if (op.count == 3) {
    const std::int64_t wanted = int_argument(2);
    end = wanted >= 0 ? start + wanted : size + wanted;
    if (end > size) raise_evaluation("end index in substr() is greater than the string length", op.span);
    if (end < 0) raise_evaluation("end index in substr() is less than zero", op.span);
    if (end < start) raise_evaluation("start index is after ending index in substr()", op.span);
  }
  return Value::string(piece(s, start, end - start));
}

Value join(Evaluator& e, const Op& op) {
  const Value delimiter = string_argument(e, op, 0);
  std::string out;
  auto add = [&](const Value& v, bool first) {
    if (!v.is_string())
      raise(Problem::Kind::evaluation,
            op.count == 2 ? "join() only accepts strings as elements in the list"
            : v.is_list() ? "join() only accepts a single list as an argument or all the arguments individually"
                          : "join() only accepts strings or a list of strings as input arguments",
            op.span, fmt::format("an element of type {} was found", tag_name(v.tag())));
    if (!first) out += delimiter.as_string();
    out += v.as_string();
    if (out.size() > kMostText) throw std::bad_alloc();
  };
  if (op.count == 2) {
    const Value items = argument(e, op, 1);
    if (!items.is_list()) raise_evaluation("join() only accepts strings or a list of strings as input arguments", op.span);
    for (std::uint32_t i = 0; i < items.node()->size; ++i) add(items.node()->items[i], i == 0);
  } else {
    for (std::uint32_t i = 1; i < op.count; ++i) add(argument(e, op, i), i == 1);
  }
  return Value::string(out);
}

Value to_lowercase(Evaluator& e, const Op& op) {
  return Value::string(java::to_lowercase(string_argument(e, op, 0).as_string()));
}
Value to_uppercase(Evaluator& e, const Op& op) {
  return Value::string(java::to_uppercase(string_argument(e, op, 0).as_string()));
}
Value escape_function(Evaluator& e, const Op& op) {
  return Value::string(escape(string_argument(e, op, 0).as_string()));
}
Value unescape_function(Evaluator& e, const Op& op) {
  return Value::string(unescape(string_argument(e, op, 0).as_string()));
}
Value base64_encode(Evaluator& e, const Op& op) {
  return Value::string(java::base64_encode(string_argument(e, op, 0).as_string()));
}
Value base64_decode(Evaluator& e, const Op& op) {
  return Value::string(clean_utf8(take(java::base64_decode(string_argument(e, op, 0).as_string()), op.span)));
}

Value digest(Evaluator& e, const Op& op) {
  const Value algorithm = string_argument(e, op, 0), text = string_argument(e, op, 1);
  // The reference hashes as many bytes of the UTF-8 form as the text has UTF-16 units, and prints a number: no leading zeros.
  const std::string hex =
      take(digest_hex(algorithm.as_string(), text.as_string().substr(0, static_cast<std::size_t>(length16(text)))), op.span);
  const std::size_t first = hex.find_first_not_of('0');
  return Value::string(first == std::string::npos ? "0" : std::string_view(hex).substr(first));
}

Value ip4_to_long(Evaluator& e, const Op& op) {
  const Value text = string_argument(e, op, 0);
  std::string_view rest = text.as_string();
  auto wrong = [&] {
    raise_evaluation(
        "argument to ip4_to_long() must be a string in dotted notation with an optional bitmask, like \"127.0.0.1/8\"", op.span);
  };
  auto number = [&](std::int64_t most) {
    std::size_t digits = 0;
    while (digits < rest.size() && rest[digits] >= '0' && rest[digits] <= '9') ++digits;
    if (digits == 0) wrong();
    std::int64_t n = 0;
    if (std::from_chars(rest.data(), rest.data() + digits, n).ec != std::errc{} || n > most) wrong();
    rest.remove_prefix(digits);
    return n;
  };
  std::int64_t address = 0;
  for (int i = 0; i < 4; ++i) {
    if (i != 0) {
      if (rest.empty() || rest[0] != '.') wrong();
      rest.remove_prefix(1);
    }
    address = address << 8 | number(255);
  }
  Value result = Value::list(2);
  result.node()->push_back(Value::integer(address));
  std::int64_t bits = 0;
  if (!rest.empty()) {
    if (rest[0] != '/') wrong();
    rest.remove_prefix(1);
    bits = number(99);
    if (!rest.empty()) wrong();
    if (bits > 32) raise_evaluation("bitmask to IP must be between 0 and 32.", op.span);
    result.node()->push_back(Value::integer(bits == 0 ? 0 : (0xffffffffLL >> (32 - bits)) << (32 - bits)));
  } else {
    result.node()->push_back(Value::integer(0xffffffffLL));
  }
  return result;
}

Value long_to_ip4(Evaluator& e, const Op& op) {
  const std::int64_t n = long_argument(e, op, 0);
  if (n < 0 || n > 0xffffffffLL) raise_evaluation("argument to long_to_ip4 must be a 32-bit integer", op.span);
  return Value::string(fmt::format("{}.{}.{}.{}", n >> 24, n >> 16 & 255, n >> 8 & 255, n & 255));
}

}  // namespace cdb::pan::library
