object template compile-fail-evaluation-deprecated-fatal;

# panc: --warnings fatal
'/a' = { deprecated(0, 'use b'); OBJECT; };
