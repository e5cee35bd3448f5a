// json_decode() takes a text or refuses it with a reason; what it took is written and read again as the same.
#include "base/text/text.h"
#include "cdb/pan/json_text.h"
#include "cdb/pan/problem.h"
#include "cdb/pan/repository.h"
#include "tests/fuzz/pan_support.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace cdb::pan;
  const StackGuard guard(pan_fuzz::kStack);
  Heap heap;
  const HeapScope scope(heap);
  const std::string text = clean_utf8(pan_fuzz::text_of(data, size));
  try {
    const Value value = read_json(text);
    TextBuffer first, second;
    write_json(first, value);
    const Value again = read_json(first.view());
    PAN_PROMISE(equal(value, again));
    write_json(second, again);
    PAN_PROMISE(first.view() == second.view() && base::text::valid_utf8(first.view()));
  } catch (const Failure& failure) {
    PAN_PROMISE(!failure.problem->message.empty());
  }
  return 0;
}
