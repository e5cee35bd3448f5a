object template compile-fail-evaluation-undefined-function;

function compute_size = 1;
'/a' = compute_sise(2);
