# The first half of every node. A role (personality) follows, then machine-types/final.
unique template machine-types/base;

include "quattor/profile_base";
include "site/config";
include "site/messages";
include "os/debian12/config";
include "cluster/" + CLUSTER + "/config";

include "components/dirperm/config";
include "components/filecopy/config";
include "components/symlink/config";
include "components/metaconfig/config";
include "components/systemd/config";
include "components/spma/config";

include "features/packages/config";
include "features/settings/config";
include "features/demo/config";
include "features/monitoring/config";
