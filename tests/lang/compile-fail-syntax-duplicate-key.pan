object template compile-fail-syntax-duplicate-key;

'/a' = dict('k', 1, 'k', 2);
