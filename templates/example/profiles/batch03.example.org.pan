object template batch03.example.org;

variable NODE = dict("rack", "R3", "unit", 30, "serial", "EX-WN-3003");

include "machine-types/batch";
