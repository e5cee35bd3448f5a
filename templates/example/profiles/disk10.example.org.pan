object template disk10.example.org;

variable NODE = dict("rack", "R4", "unit", 10, "serial", "EX-DS-1010");

include "machine-types/dirpool";
