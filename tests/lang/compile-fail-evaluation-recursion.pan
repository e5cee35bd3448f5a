object template compile-fail-evaluation-recursion;

function f = f(ARGV[0] + 1);
'/a' = f(1);
