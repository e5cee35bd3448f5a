object template compile-fail-evaluation-foreach-grows;

# panc: --max-iteration 100
variable X = 1;
'/a' = { l = list(X); foreach (i; v; l) append(l, v); l; };
