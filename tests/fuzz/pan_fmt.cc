// The formatter keeps what was written: the same tokens, and formatting again changes nothing. Wrong text comes back as it is.
#include "cdb/pan/format/format.h"
#include "cdb/pan/repository.h"
#include "cdb/pan/syntax/tree.h"
#include "tests/fuzz/pan_support.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace cdb::pan;
  const StackGuard guard(pan_fuzz::kStack);
  const syntax::Tree tree = syntax::Tree::parse(clean_utf8(pan_fuzz::text_of(data, size)));
  const auto laid_out = format::formatted(tree);
  PAN_PROMISE(laid_out.has_value());
  if (!tree.errors().empty()) {
    PAN_PROMISE(*laid_out == tree.text());
    return 0;
  }
  const syntax::Tree again = syntax::Tree::parse(*laid_out);
  PAN_PROMISE(again.errors().empty() && again.tokens().size() == tree.tokens().size());
  for (syntax::TokenId id = 0; id < tree.tokens().size(); ++id) {
    PAN_PROMISE(again.tokens()[id].kind == tree.tokens()[id].kind && again.text_of_token(id) == tree.text_of_token(id));
    PAN_PROMISE(again.value_of_token(id) == tree.value_of_token(id));
  }
  const auto twice = format::formatted(again);
  PAN_PROMISE(twice.has_value() && *twice == *laid_out);
  return 0;
}
