object template batch04.example.org;

variable NODE = dict("rack", "R4", "unit", 30, "serial", "EX-WN-3004");

include "machine-types/batch";
