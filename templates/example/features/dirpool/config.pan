# A disk server of the pool "scratch": two directories, each on a disk of its own, served by nginx (WebDAV with certificates) to the
# mover of LEAF. leaf/storage/README.md says how.
unique template features/dirpool/config;

include "components/storage/config";
include "features/dirpool/functions";

variable DIRPOOL_PORT ?= 9443;

prefix "/software/components/storage";
"role" = "dirpool";
"driver" = "dirpool";
"pool" = "scratch";
"replicas" = 2;
"pools/scratch" = dict("replicas", 2, "description", "two copies in different racks");
"geotag" = SITE_NAME + "::" + value("/hardware/sysloc/rack");
"filesystems/{/data/01}" = dict("slot", 1, "owner", "www-data:www-data", "mode", "0755");
"filesystems/{/data/02}" = dict("slot", 2, "owner", "www-data:www-data", "mode", "0755");
"port" = DIRPOOL_PORT;
"service" = "weft-dirpool.service";
"proxy_groups" = list("proxies");
"labels/site" = SITE_NAME;
"dependencies/pre" = list("spma");

"/software/packages/{nginx-light}" = dict();

"/software/components/filecopy/services/{/etc/weft/dirpool.conf}" = dict(
    "config", dirpool_conf(value("/software/components/storage"), OBJECT, PRIMARY_IP),
    "perms", "0644",
    "owner", "root",
    "group", "root",
    "backup", false,
    "restart", "systemctl reload-or-restart weft-dirpool.service",
);

"/software/components/filecopy/services/{/etc/systemd/system/weft-dirpool.service}" = dict(
    "config", file_contents("features/dirpool/weft-dirpool.service"),
    "perms", "0644",
    "owner", "root",
    "group", "root",
    "backup", false,
    "restart", "systemctl restart weft-dirpool.service",
);

"/software/components/systemd/unit/weft-dirpool" = dict("state", "enabled", "startstop", true);

"/software/components/systemd/dependencies/pre" = push("storage");

prefix "/system/monitoring/rules";
"dirpool_failed" = dict(
    "condition", 'node_systemd_unit_state{name="weft-dirpool.service",state="failed"} == 1 for 20s',
    "severity", "critical",
    "text", "The pool's directories are not served.",
    "owner", "storage team",
    "actuator", dict("kind", "restart-unit", "unit", "weft-dirpool.service", "max_runs", 3, "window", 3600),
);
"data_full" = dict(
    "condition", 'node_filesystem_avail_bytes{mountpoint~"/data/*"} / node_filesystem_size_bytes{mountpoint~"/data/*"} < 0.03 for 5m',
    "text", "A data directory is nearly full.",
    "owner", "storage team",
);
