object template compile-fail-evaluation-type-change;

'/a' = 1;
'/a' = 'x';
