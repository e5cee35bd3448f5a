object template compile-fail-syntax-argument-count;

'/a' = substr('x');
