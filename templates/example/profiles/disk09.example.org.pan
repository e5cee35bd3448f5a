object template disk09.example.org;

variable NODE = dict("rack", "R3", "unit", 14, "serial", "EX-DS-1009");

include "machine-types/dirpool";
