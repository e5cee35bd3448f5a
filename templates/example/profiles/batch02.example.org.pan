object template batch02.example.org;

variable NODE = dict("rack", "R2", "unit", 30, "serial", "EX-WN-3002");

include "machine-types/batch";
