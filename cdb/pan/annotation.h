// Annotations: "@name{ key = value ... }" or "@{ a description }" before a part of a template. Used by the lexer, which refuses
// wrong ones, and by those who show documentation. Pure, any thread.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace cdb::pan {

struct AnnotationText {
  struct Entry {
    std::string key, value;
  };
  std::string_view name;       // empty: anonymous; a view into the text given
  std::vector<Entry> entries;  // a plain description is one entry "desc"
};

// `text` from '@' to its closing bracket. Nothing when name or keys are not allowed, or when it is neither a description nor a
// list of pairs.
std::optional<AnnotationText> parse_annotation(std::string_view text);

}  // namespace cdb::pan
