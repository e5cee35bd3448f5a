# Service nodes.
unique template cluster/services/config;

prefix "/system/cluster";
"name" = "services";
"type" = "service";
# How many members may be out of service at once, for whatever reason.
"maintenance" = dict(
    "max_concurrent", 1,
    "per_rack", 1,
    "per_power_feed", 1,
    "min_healthy_percent", 50,
);
