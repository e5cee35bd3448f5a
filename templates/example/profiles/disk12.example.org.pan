object template disk12.example.org;

variable NODE = dict("rack", "R4", "unit", 14, "serial", "EX-DS-1012");

include "machine-types/dirpool";
