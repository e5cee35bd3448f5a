# A disk server gets its place, its address and its role from three words.
object template disk99.example.org;

# expect: /hardware/sysloc/power_feed = "B"
# expect: /system/role = "dirpool"
# expect: /system/state = "production"
# expect: /system/network/primary_ip = "127.77.4.30"
# expect: /software/components/storage/filesystems exists
# expect: /software/components/filecopy/services/{/etc/motd}/config ~ rack R4 unit 30

variable NODE = dict("rack", "R4", "unit", 30, "serial", "EX-DS-1099");

include "machine-types/dirpool";
