object template compile-fail-parse-missing-semicolon;

'/a' = 1
'/b' = 2;
