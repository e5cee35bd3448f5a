// Following a path through types: which default a missing element got, and which types an element must have. For Provenance;
// one object's context, one thread. Paths that leave the types end there.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "cdb/pan/explain.h"
#include "cdb/pan/object_context.h"
#include "cdb/pan/source_range.h"

namespace cdb::pan {

// Where a default stands.
struct DefaultSource {
  std::string type, field;  // of field `field` of type `type`; "" for a type's own
  Place place;
};

// The default that filled in the element `relative` ("a/b", "" = itself) below the binding's path, where `before` stood; null
// pointer when none of the bound types has one.
std::shared_ptr<const DefaultSource> default_source(const ObjectContext& context, const Binding& binding, const Value& before,
                                                    std::span<const std::string> relative);

// All types bound at or above the element with these terms.
std::vector<TypeBinding> bound_types(const ObjectContext& context, std::span<const std::string> terms, Ranges& ranges);

}  // namespace cdb::pan
