#include "agent/component/registry.h"

namespace agent::component {

plan::Registry make_registry() {
  plan::Registry registry;
  // Packages bring users and units; folders come before what lies in them; services start when all files are there.
  registry.push_back(make_spma());
  registry.push_back(make_dirperm());
  registry.push_back(make_filecopy());
  registry.push_back(make_symlink());
  registry.push_back(make_metaconfig());
  registry.push_back(make_storage());
  registry.push_back(make_systemd());
  return registry;
}

}  // namespace agent::component
