object template compile-fail-parse-bad-escape;

'/a' = "a\q";
