# The machine room. Racks stand on two power feeds; a maintenance must never take members of both feeds at once.
unique template site/places;

variable SITE_NAME = "example";
variable SITE_BUILDING = "B513";

variable RACKS = dict(
    "R1", dict("room", "hall1", "row", "1", "power_feed", "A"),
    "R2", dict("room", "hall1", "row", "1", "power_feed", "A"),
    "R3", dict("room", "hall1", "row", "2", "power_feed", "B"),
    "R4", dict("room", "hall1", "row", "2", "power_feed", "B"),
);
