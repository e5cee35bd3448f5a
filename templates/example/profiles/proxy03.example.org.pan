object template proxy03.example.org;

variable NODE = dict("rack", "R3", "unit", 20, "serial", "EX-PX-2003");

include "machine-types/proxy";
