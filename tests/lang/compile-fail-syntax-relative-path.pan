object template compile-fail-syntax-relative-path;

'a' = 1;
