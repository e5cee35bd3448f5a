object template batch05.example.org;

variable NODE = dict("rack", "R1", "unit", 31, "serial", "EX-WN-3005");

include "machine-types/batch";
