object template disk01.example.org;

variable NODE = dict("rack", "R1", "unit", 10, "serial", "EX-DS-1001");

include "machine-types/dirpool";
