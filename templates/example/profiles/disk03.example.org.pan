object template disk03.example.org;

variable NODE = dict("rack", "R1", "unit", 14, "serial", "EX-DS-1003");

include "machine-types/dirpool";
