object template disk07.example.org;

variable NODE = dict("rack", "R3", "unit", 10, "serial", "EX-DS-1007");

include "machine-types/dirpool";
