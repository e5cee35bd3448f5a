object template compile-fail-evaluation-undefined-variable;

variable HOSTNAME = 'x';
'/a' = HOSTNAM;
