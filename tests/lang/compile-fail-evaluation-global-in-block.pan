object template compile-fail-evaluation-global-in-block;

variable G = list(1);
'/a' = { G[0] = value('/b'); G; };
