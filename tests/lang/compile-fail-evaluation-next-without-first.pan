object template compile-fail-evaluation-next-without-first;

variable L = list(1);
'/a' = next(L, k, v);
