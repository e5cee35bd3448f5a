object template compile-fail-syntax-braces;

'/a/{b' = 1;
