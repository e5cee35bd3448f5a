# What all nodes of the site have in common: names, addresses, place, contact.
unique template site/config;

include "pan/functions";
include "site/places";

# A profile says where the machine stands: variable NODE = dict("rack", "R1", "unit", 10, "serial", "...");
variable RACK = {
    if (!exists(RACKS[NODE["rack"]]))
        error(format("%s stands in rack %s, which is not in site/places", OBJECT, NODE["rack"]));
    RACKS[NODE["rack"]];
};

"/hardware" = create(MACHINE_MODEL);
"/hardware/serialnumber" = NODE["serial"];
"/hardware/nodename" = hostname_from_object();
"/hardware/sysloc" = dict(
    "building", SITE_BUILDING,
    "room", RACK["room"],
    "row", RACK["row"],
    "rack", NODE["rack"],
    "unit", NODE["unit"],
    "power_feed", RACK["power_feed"],
);

# Addresses follow from the place: 127.77.RACK.UNIT.
variable PRIMARY_IP = format("127.77.%d.%d", to_long(substr(NODE["rack"], 1)), NODE["unit"]);

prefix "/system/network";
"hostname" = hostname_from_object();
"domainname" = domain_from_object();
"primary_ip" = PRIMARY_IP;
"nameserver" = list("127.77.1.40", "127.77.3.40");
"interfaces/lo" = dict(
    "type", "Loopback",
    "bootproto", "static",
    "ip", PRIMARY_IP,
    "netmask", "255.0.0.0",
    "onboot", true,
);

prefix "/system";
"rootmail" = "root@example.org";
"siterelease" = "2026.11";
