object template disk04.example.org;

variable NODE = dict("rack", "R2", "unit", 10, "serial", "EX-DS-1004");

include "machine-types/dirpool";
