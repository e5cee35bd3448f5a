// Step kinds of the life of a claim: "sms.publish" (the profile says it and the node applied it), "node.verify" (the machine is
// proven healthy, else it is quarantined), "sms.release" (the last claim is gone, the node is production again).
#pragma once

#include <chrono>
#include <memory>

#include "base/pg/pg.h"
#include "leaf/fabric/fabric.h"
#include "leaf/storage/driver.h"
#include "leaf/workflow/step_kind.h"

namespace leaf::sms {

void add_steps(workflow::Registry& registry, std::shared_ptr<base::pg::Pool> pool, std::shared_ptr<fabric::Fabric> fabric,
               storage::Drivers drivers, std::chrono::seconds patience);

}  // namespace leaf::sms
