object template disk06.example.org;

variable NODE = dict("rack", "R2", "unit", 14, "serial", "EX-DS-1006");

include "machine-types/dirpool";
