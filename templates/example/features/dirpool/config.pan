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

variable DIRPOOL_CONF = dirpool_conf(value("/software/components/storage"), OBJECT, PRIMARY_IP);

"/software/components/filecopy/services/{/etc/weft/dirpool.conf}" = dict(
    "config", DIRPOOL_CONF,
    "perms", "0644",
    "owner", "root",
    "group", "root",
    "backup", false,
);

# The text of this unit is explained in leaf/storage/README.md. It carries the digest of the configuration, so that a new
# configuration is a new unit file and the agent restarts the service.
"/software/components/systemd/unit/weft-dirpool" = dict(
    "state", "enabled",
    "startstop", true,
    "targets", list("multi-user"),
    "file", dict(
        "replace", true,
        "config", dict(
            "unit", dict(
                "Description", "Weft dirpool: data directories for the storage mover",
                "After", list("network-online.target"),
                "Wants", list("network-online.target"),
            ),
            "service", dict(
                "RuntimeDirectory", list("weft-dirpool"),
                "ExecStartPre", list("/usr/sbin/nginx -t -q -c /etc/weft/dirpool.conf"),
                "ExecStart", list("/usr/sbin/nginx -c /etc/weft/dirpool.conf"),
                "ExecReload", list("/usr/sbin/nginx -t -q -c /etc/weft/dirpool.conf", "/bin/kill -HUP $MAINPID"),
                "Environment", list("DIRPOOL_CONF_SHA256=" + digest("SHA-256", DIRPOOL_CONF)),
                "KillMode", "mixed",
                "KillSignal", "SIGQUIT",
                "TimeoutStopSec", "20",
                "Restart", "always",
                "RestartSec", "2",
                "NoNewPrivileges", true,
                "ProtectSystem", "strict",
                "ReadWritePaths", list("/data"),
                "ProtectHome", "yes",
                "PrivateTmp", true,
            ),
        ),
    ),
);

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
