object template compile-fail-syntax-self-set;

'/a' = { SELF = 1; };
