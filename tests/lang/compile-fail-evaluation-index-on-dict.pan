object template compile-fail-evaluation-index-on-dict;

'/a/b' = 1;
'/c' = value('/a/0');
