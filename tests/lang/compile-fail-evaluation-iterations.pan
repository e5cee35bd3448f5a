object template compile-fail-evaluation-iterations;

# panc: --max-iteration 100
variable X = 1;
'/a' = while (true) X;
