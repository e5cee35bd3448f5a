object template compile-fail-syntax-mixed-add;

'/a' = 1 + 'b';
