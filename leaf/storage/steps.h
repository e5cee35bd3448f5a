// Step kinds "storage.drain" and "storage.safe": the storage part of a maintenance. For nodes without storage both say so and
// succeed.
#pragma once

#include <memory>

#include "base/pg/pg.h"
#include "leaf/fabric/fabric.h"
#include "leaf/storage/driver.h"
#include "leaf/workflow/step_kind.h"

namespace leaf::storage {

void add_steps(workflow::Registry& registry, std::shared_ptr<base::pg::Pool> pool, std::shared_ptr<fabric::Fabric> fabric,
               Drivers drivers);

}  // namespace leaf::storage
