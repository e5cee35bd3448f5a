# The disk servers. Files have two copies in different racks, so one rack at a time may lose a member.
unique template cluster/storage/config;

prefix "/system/cluster";
"name" = "storage";
"type" = "storage";
# How many members may be out of service at once, for whatever reason.
"maintenance" = dict(
    "max_concurrent", 2,
    "per_rack", 1,
    "per_power_feed", 1,
    "min_healthy_percent", 75,
);
