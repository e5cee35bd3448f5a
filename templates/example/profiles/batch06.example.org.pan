object template batch06.example.org;

variable NODE = dict("rack", "R2", "unit", 31, "serial", "EX-WN-3006");

include "machine-types/batch";
