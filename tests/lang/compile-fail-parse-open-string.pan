object template compile-fail-parse-open-string;

'/a' = 'abc;
'/b' = 1;
