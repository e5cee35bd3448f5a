# What every node measures, and what it does about it by itself.
unique template features/monitoring/config;

prefix "/system/monitoring";
"push/period" ?= 10;
"push/labels/site" = SITE_NAME;

prefix "/system/monitoring/sensors";
"cpu" = dict("period", 10);
"load" = dict("period", 10);
"memory" = dict("period", 10);
"disk" = dict("period", 10, "options", dict("exclude", list("ram*", "loop*", "fd*")));
"filesystem" = dict(
    "period", 30,
    "options", dict("exclude_types", list("tmpfs", "overlay", "proc", "sysfs", "cgroup*"), "timeout", 5)
);
"network" = dict("period", 10);
"systemd" = dict("period", 15, "options", dict("units", list("weft-*.service")));

prefix "/system/monitoring/rules";
"root_full" = dict(
    "condition", 'node_filesystem_avail_bytes{mountpoint="/"} / node_filesystem_size_bytes{mountpoint="/"} < 0.05 for 2m',
    "severity", "critical",
    "text", "The root file system is nearly full.",
    "owner", "infrastructure team",
);
"high_load" = dict(
    "condition", "node_load5 > 50 for 10m",
    "text", "The load has been very high for ten minutes.",
    "clear_after", 300,
);
"demo_failed" = dict(
    "condition", 'node_systemd_unit_state{name="weft-demo.service",state="failed"} == 1 for 20s',
    "text", "The demonstration service does not stay up.",
    "actuator", dict("kind", "restart-unit", "unit", "weft-demo.service", "max_runs", 3, "window", 3600),
);
"agent_failed" = dict(
    "condition", "weft_agent_last_run_ok == 0 for 10m",
    "text", "The configuration agent's last run did not bring everything in order.",
    "owner", "infrastructure team",
);
