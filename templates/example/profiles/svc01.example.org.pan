object template svc01.example.org;

variable NODE = dict("rack", "R1", "unit", 40, "serial", "EX-SV-4001");

# This node holds the map of the pool, made from the profiles of these disk servers.
variable POOL_MEMBERS = list(
    "disk01", "disk02", "disk03", "disk04", "disk05", "disk06",
    "disk07", "disk08", "disk09", "disk10", "disk11", "disk12",
);

include "machine-types/service";
include "features/pool-map/config";
