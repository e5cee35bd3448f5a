object template compile-fail-parse-keyword;

variable if = 1;
