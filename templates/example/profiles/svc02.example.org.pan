object template svc02.example.org;

variable NODE = dict("rack", "R3", "unit", 40, "serial", "EX-SV-4002");

include "machine-types/service";
