object template proxy04.example.org;

variable NODE = dict("rack", "R4", "unit", 20, "serial", "EX-PX-2004");

include "machine-types/proxy";
