# Batch workers: losing some only costs throughput.
unique template cluster/batch/config;

prefix "/system/cluster";
"name" = "batch";
"type" = "compute";
# How many members may be out of service at once, for whatever reason.
"maintenance" = dict(
    "max_concurrent", 3,
    "per_rack", 2,
    "per_power_feed", 3,
    "min_healthy_percent", 50,
);
