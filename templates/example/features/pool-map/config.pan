# The map of a storage pool, read from the profiles of its members: names, addresses, places. When a member's address or rack changes,
# this node's profile changes with it, and a member that is no disk server of the pool is refused.
unique template features/pool-map/config;

include "quattor/functions/validation";

variable POOL_MEMBERS ?= error("set POOL_MEMBERS before features/pool-map/config");

variable POOL_MAP = {
    map = dict();
    racks = dict();
    foreach (i; host; POOL_MEMBERS) {
        node = host + "." + domain_from_object();
        storage = value(node + ":/software/components/storage");
        if (storage["pool"] != "scratch") error(format("%s is in pool %s, not in scratch", node, storage["pool"]));
        rack = value(node + ":/hardware/sysloc/rack");
        racks[rack] = true;
        map[host] = dict(
            "address", value(node + ":/system/network/primary_ip"),
            "port", storage["port"],
            "rack", rack,
            "power_feed", value(node + ":/hardware/sysloc/power_feed"),
            "filesystems", length(storage["filesystems"]),
        );
    };
    # Two copies in different racks need two racks.
    if (length(racks) < 2) error("all members of the pool stand in one rack: two copies need two");
    map;
};

type pool_members = string[1..] with is_profile_list(SELF, "dirpool");
bind "/system/services/scratch/members" = pool_members;

"/system/services/scratch" = dict(
    "members", {
        names = list();
        foreach (i; host; POOL_MEMBERS) {
            names = append(names, host + "." + domain_from_object());
        };
        names;
    },
);

prefix "/software/components/metaconfig/services/{/etc/weft-demo/pool-map.json}";
"module" = "json";
"contents" = POOL_MAP;
