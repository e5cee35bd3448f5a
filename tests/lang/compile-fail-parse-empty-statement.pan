object template compile-fail-parse-empty-statement;

'/a' = { 1;; 2 };
