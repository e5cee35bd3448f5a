object template compile-fail-syntax-regex;

'/a' = match('x', '(');
