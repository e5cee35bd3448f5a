// Paths, escapes and ${...}: what parses prints and parses as the same, escape() is undone by unescape(), substitution ends.
#include "base/text/text.h"
#include "cdb/pan/build.h"
#include "cdb/pan/java/java.h"
#include "cdb/pan/path.h"
#include "cdb/pan/problem.h"
#include "cdb/pan/repository.h"
#include "tests/fuzz/pan_support.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace cdb::pan;
  const StackGuard guard(pan_fuzz::kStack);
  Heap heap;
  const HeapScope scope(heap);
  const std::string text = clean_utf8(pan_fuzz::text_of(data, size));
  for (bool any_relative : {false, true}) {
    try {
      const Path path = parse_path(text, any_relative);
      const Path again = parse_path(path.text(), any_relative);
      PAN_PROMISE(again.text() == path.text() && again.terms.size() == path.terms.size() && again.type == path.type);
      PAN_PROMISE(!binding_order(path, again) && !binding_order(again, path));
    } catch (const Failure& failure) {
      PAN_PROMISE(!failure.problem->message.empty());
    }
  }
  try {
    const std::string escaped = escape(text);
    PAN_PROMISE(unescape(escaped) == text);
    const auto other = java::escape(text);
    PAN_PROMISE(other && *other == escaped && java::unescape(escaped) == text);
  } catch (const Failure&) {
    PAN_PROMISE(!java::escape(text));
  }
  try {
    PAN_PROMISE(base::text::valid_utf8(unescape(text)));
  } catch (const Failure&) {
  }
  try {
    const Value value = Value::string(text);
    const Term term = make_term(value.str());
    PAN_PROMISE(!term.text().empty());
  } catch (const Failure&) {
  }
  // Each variable stands for the text behind the first '}' of the input, so that substitutions nest.
  try {
    const std::size_t brace = text.find('}');
    const std::string inner = brace == std::string::npos ? std::string() : text.substr(brace + 1);
    int asked = 0;
    substitute_variables(text, [&](std::string_view name) {
      if (++asked > 200) raise_evaluation("enough");
      return name.size() % 2 == 0 ? inner : std::string(name);
    });
  } catch (const Failure&) {
  }
  return 0;
}
