// The annotation file of a template, as the reference's panc-annotations writes it: template, variables, functions, types and
// fields with their source ranges and annotations. Used by programs/panc-annotations. Pure, any thread.
#pragma once

#include <string>
#include <string_view>

namespace cdb::pan {

// `source` is a text that parse_template() took; an other one gives an XML file of its beginning at best.
std::string annotation_xml(std::string_view source);

}  // namespace cdb::pan
