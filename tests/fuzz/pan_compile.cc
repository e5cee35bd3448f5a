// Several templates in one input are compiled with small limits and written in all formats. What comes out must be readable by
// others: JSON gives the profile back, XML nests; what fails says so.
#include <cmath>

#include "base/profile/json.h"
#include "base/text/text.h"
#include "cdb/pan/engine.h"
#include "cdb/pan/output.h"
#include "cdb/pan/profile_value.h"
#include "tests/fuzz/pan_support.h"
#include "tests/fuzz/xml_check.h"

namespace {

using namespace cdb::pan;

// null elements of lists and members without a value come back as null or not at all: only trees without them compare.
bool comparable(const Value& value) {
  if (value.is_null() || value.is_undef() || !value.exists()) return false;
  if (!value.is_resource()) return true;
  const Node* node = value.node();
  for (std::uint32_t i = 0; i < node->size; ++i)
    if (!comparable(node->dict ? node->entries[i].value : node->items[i])) return false;
  return true;
}

void check_output(const Finished& object) {
  const std::vector<std::string> roots{"/r", "/r/lib"};
  TextBuffer buffer;
  for (const std::string& name : format_names()) {
    const auto format = parse_format(name);
    PAN_PROMISE(format.has_value());
    std::string_view text;
    try {
      text = render(*format, object, roots, buffer);
    } catch (const Failure& failure) {
      PAN_PROMISE(!failure.problem->message.empty());
      continue;
    }
    if (format->gzip) continue;
    PAN_PROMISE(base::text::valid_utf8(text));
    if (format->format == Format::xml) pan_fuzz::check_xml(text);
    if (format->format == Format::json && comparable(*object.root)) {
      const auto read = base::profile::parse_json(text, {64u << 20, 4000});
      PAN_PROMISE(read.has_value());
      PAN_PROMISE(*read == to_profile(*object.root));
    }
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const StackGuard guard(pan_fuzz::kStack);
  auto source = std::make_shared<pan_fuzz::MemorySource>();
  std::vector<std::string> objects;
  for (auto& [path, text] : pan_fuzz::split_files(pan_fuzz::text_of(data, size))) {
    if (auto name = object_name(text); name && objects.size() < 4) objects.push_back(std::move(*name));
    source->files.insert_or_assign(path, std::make_shared<const std::string>(std::move(text)));
  }
  Options options{.include_path = {"", "lib"}, .max_iteration = 100, .max_recursion = 20, .threads = 1};
  options.debug_include = ".*";
  options.max_steps = 2000;
  Engine engine(source, options);
  engine.run(objects, [&](Finished&& object) {
    bool failed = false;
    for (const Diagnostic& d : object.diagnostics) {
      PAN_PROMISE(!d.kind.empty() && d.object == object.object && base::text::valid_utf8(d.message));
      failed = failed || d.severity == Diagnostic::Severity::error;
    }
    PAN_PROMISE(failed == (object.root == nullptr));
    if (object.root != nullptr) check_output(object);
  });
  return 0;
}
