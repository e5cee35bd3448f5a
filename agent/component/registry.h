// All components of this agent, in default order of execution. Used by agent/run and tests. Stateless.
#pragma once

#include "agent/plan/component.h"

namespace agent::component {

plan::Registry make_registry();

std::unique_ptr<const plan::Component> make_spma();
std::unique_ptr<const plan::Component> make_dirperm();
std::unique_ptr<const plan::Component> make_filecopy();
std::unique_ptr<const plan::Component> make_symlink();
std::unique_ptr<const plan::Component> make_metaconfig();
std::unique_ptr<const plan::Component> make_storage();
std::unique_ptr<const plan::Component> make_systemd();

}  // namespace agent::component
