// A finished object in the reference's file formats, byte for byte. Used by programs/panc, straight from the compiler's tree.
// Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cdb/pan/engine.h"
#include "cdb/pan/text_buffer.h"

namespace cdb::pan {

enum class Format { pan, xml, json, text, dot, dep, null, none };

struct OutputFormat {
  Format format;
  bool gzip = false;
  std::string suffix() const;  // ".json.gz"
};

// "json", "pan.gz", ...; empty when there is no such format.
std::optional<OutputFormat> parse_format(std::string_view name);
std::vector<std::string> format_names();

// The text replaces what is in `out` and is valid as long as that is not changed. Precondition: object.root is set. `root_paths`:
// the absolute folders of the include path, for dep. A value that the format cannot hold throws Failure.
std::string_view render(const OutputFormat& format, const Finished& object, const std::vector<std::string>& root_paths,
                        TextBuffer& out);

}  // namespace cdb::pan
