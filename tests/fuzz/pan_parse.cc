// A template parses or is refused with a place that can be shown.
#include "base/text/text.h"
#include "cdb/pan/diagnostic.h"
#include "cdb/pan/parser.h"
#include "cdb/pan/repository.h"
#include "tests/fuzz/pan_support.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace cdb::pan;
  const StackGuard guard(pan_fuzz::kStack);
  auto source = std::make_shared<SourceText>();
  source->path = "t.pan";
  source->content = std::make_shared<const std::string>(clean_utf8(pan_fuzz::text_of(data, size)));
  PAN_PROMISE(base::text::valid_utf8(*source->content));
  const auto object = object_name(*source->content);
  Names names;
  try {
    const auto parsed = parse_template(source, names, nullptr, nullptr);
    for (const Statement& s : parsed->statements) PAN_PROMISE(s.span.known() && s.span.end <= source->content->size());
    PAN_PROMISE((parsed->kind == TemplateKind::object) == object.has_value());
    if (object) PAN_PROMISE(*object == parsed->name);
  } catch (const Failure& failure) {
    const Diagnostic shown = to_diagnostic(*failure.problem, "t");
    PAN_PROMISE(!shown.message.empty() && !shown.kind.empty() && !shown.reference_text.empty() && shown.file == "t.pan");
    PAN_PROMISE(base::text::valid_utf8(shown.message));
    if (failure.problem->place.span.known()) {
      PAN_PROMISE(shown.line >= 1 && shown.column >= 1 && shown.end_line >= shown.line);
      PAN_PROMISE(shown.excerpt.find('^') != std::string::npos && shown.excerpt.find('\n') != std::string::npos);
    }
  }
  return 0;
}
