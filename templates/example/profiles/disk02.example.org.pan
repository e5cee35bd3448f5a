object template disk02.example.org;

variable NODE = dict("rack", "R1", "unit", 12, "serial", "EX-DS-1002");

include "machine-types/dirpool";
