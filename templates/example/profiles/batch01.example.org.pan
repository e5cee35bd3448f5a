object template batch01.example.org;

variable NODE = dict("rack", "R1", "unit", 30, "serial", "EX-WN-3001");

include "machine-types/batch";
