object template compile-fail-evaluation-format;

variable N = 1;
'/a' = format('%d', 'x');
