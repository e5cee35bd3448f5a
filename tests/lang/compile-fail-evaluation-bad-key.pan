object template compile-fail-evaluation-bad-key;

variable K = 'a b';
'/a' = dict(K, 1);
