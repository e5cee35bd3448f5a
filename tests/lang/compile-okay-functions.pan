object template compile-okay-functions;

function fib = { if (ARGV[0] < 2) return(ARGV[0]); fib(ARGV[0] - 1) + fib(ARGV[0] - 2); };
'/fib' = fib(12);
function early = { foreach (i; v; ARGV) if (v == 'x') return(i); -1; };
'/found' = early('a', 'x', 'b'); '/missing' = early('a');
function with_default = { if (ARGC > 1) ARGV[1] else 'default' };
'/default' = with_default(1);
