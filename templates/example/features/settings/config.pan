# Settings of the operating system that every node shares.
unique template features/settings/config;

prefix "/software/components/metaconfig/services/{/etc/sysctl.d/60-example.conf}";
"module" = "properties";
"contents" = dict(
    "vm.swappiness", "10",
    "net.core.somaxconn", "1024",
    "kernel.panic", "30",
);

prefix "/software/components/metaconfig/services/{/etc/systemd/journald.conf.d/60-example.conf}";
"module" = "tiny";
"contents/Journal" = dict(
    "SystemMaxUse", "200M",
    "MaxRetentionSec", "1month",
);

# A drop-in adds to the unit file that Debian ships. startstop = false: the journal is restarted after a change, never stopped.
"/software/components/systemd/unit/systemd-journald" = dict(
    "state", "enabled",
    "startstop", false,
    "file", dict(
        "replace", false,
        "config", dict("service", dict("OOMScoreAdjust", -500)),
    ),
);

# All nodes keep UTC.
"/software/components/symlink/links" = push(dict(
    "name", "/etc/localtime",
    "target", "/usr/share/zoneinfo/UTC",
    "replace", dict("file", "yes"),
));

"/software/components/dirperm/paths" = push(
    dict("path", "/etc/sysctl.d", "perm", "0755", "owner", "root:root", "type", "d"),
    dict("path", "/etc/systemd/journald.conf.d", "perm", "0755", "owner", "root:root", "type", "d"),
);
