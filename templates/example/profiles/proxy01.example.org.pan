object template proxy01.example.org;

variable NODE = dict("rack", "R1", "unit", 20, "serial", "EX-PX-2001");

include "machine-types/proxy";
