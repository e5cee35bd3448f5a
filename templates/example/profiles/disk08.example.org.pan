object template disk08.example.org;

variable NODE = dict("rack", "R3", "unit", 12, "serial", "EX-DS-1008");

include "machine-types/dirpool";
