# A small application, to play with: a unit, and configuration files in four formats. Its service does nothing but
# run; a change of app.yaml restarts it.
unique template features/demo/config;

include "features/demo/schema";

"/software/components/dirperm/paths" = push(
    dict("path", "/etc/weft-demo", "perm", "0755", "owner", "root:root", "type", "d"),
);

# The unit file is made from these values; it is enabled and started.
"/software/components/systemd/unit/weft-demo" = dict(
    "state", "enabled",
    "startstop", true,
    "targets", list("multi-user"),
    "file", dict(
        "replace", true,
        "config", dict(
            "unit", dict(
                "Description", "Weft demonstration service",
                "ConditionPathExists", list("/etc/weft-demo/app.yaml"),
            ),
            "service", dict(
                "ExecStart", list("/bin/sleep infinity"),
                "Restart", "on-failure",
                "MemoryMax", "64M",
                "Nice", 5,
            ),
        ),
    ),
);
"/software/components/systemd/dependencies/pre" = list("filecopy", "metaconfig");

bind "/software/components/metaconfig/services/{/etc/weft-demo/app.yaml}/contents" = demo_app;

prefix "/software/components/metaconfig/services/{/etc/weft-demo/app.yaml}";
"module" = "yaml";
# Only if it runs: the first start comes from the unit below /software/components/systemd.
"daemons/weft-demo" = "condrestart";
"contents/title" = "demonstration on " + hostname_from_object();
"contents/listen" = "127.0.0.1:8080";
"contents/threads" ?= 4;
"contents/log/level" ?= "info";
"contents/log/keep" ?= 14;
"contents/features" ?= list("search", "upload");

# The same values in other formats: for programs that read nothing else.
prefix "/software/components/metaconfig/services/{/etc/weft-demo/node.json}";
"module" = "json";
"contents" = dict(
    "node", OBJECT,
    "address", PRIMARY_IP,
    "place", value("/hardware/sysloc"),
    "model", value("/hardware/model"),
);

prefix "/software/components/metaconfig/services/{/etc/weft-demo/app.properties}";
"module" = "properties";
"contents" = dict("node.name", OBJECT, "node.site", SITE_NAME);

prefix "/software/components/metaconfig/services/{/etc/weft-demo/app.conf}";
"module" = "general";
"contents/server" = dict(
    "name", OBJECT,
    "port", 8080,
);
