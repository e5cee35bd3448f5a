object template compile-fail-syntax-large-number;

'/a' = 99999999999999999999;
