object template disk05.example.org;

variable NODE = dict("rack", "R2", "unit", 12, "serial", "EX-DS-1005");

include "machine-types/dirpool";
