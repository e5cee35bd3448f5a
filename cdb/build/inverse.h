// Is a revert the exact inverse of what a revision did to profiles? Used by Builder. Pure, any thread.
#pragma once

#include "base/profile/value.h"

namespace cdb::build {

// Compares two plans (Plan::json()), the revision's and its revert's: [{path, nodes, what}], at most 100, by path. `what`:
// "another" the value is not set back to what it was, because it moved since; "kept" a value that the revision set stays, because
// something else gives it now; "more" the revert changes a value that the revision did not. Plans name at most so many groups and
// lines: what they leave out is not compared.
base::profile::List not_inverse(const base::profile::Value& done, const base::profile::Value& undone);

}  // namespace cdb::build
