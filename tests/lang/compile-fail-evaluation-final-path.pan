object template compile-fail-evaluation-final-path;

final '/a/b' = 1;
'/a' = dict();
