object template proxy02.example.org;

variable NODE = dict("rack", "R2", "unit", 20, "serial", "EX-PX-2002");

include "machine-types/proxy";
