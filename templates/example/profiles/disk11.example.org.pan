object template disk11.example.org;

variable NODE = dict("rack", "R4", "unit", 12, "serial", "EX-DS-1011");

include "machine-types/dirpool";
