object template compile-fail-parse-annotation;

@{ a = 1
 &= 2 }
'/a' = 1;
