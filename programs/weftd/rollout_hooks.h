// What roll-outs of role cdb need of the rest of the server: reverting by the builder, alarms from role monitor over HTTP. Used
// by role_cdb.cc; the builder must outlive the engine that gets the hooks.
#pragma once

#include "cdb/build/builder.h"
#include "cdb/rollout/engine.h"
#include "programs/weftd/role.h"

namespace programs::weftd {

cdb::rollout::Engine::Hooks rollout_hooks(cdb::build::Builder& builder, const base::http::ClientOptions& service);

}  // namespace programs::weftd
