object template compile-fail-evaluation-holds-itself;
# Small in memory, endless in print.
'/sane' = 1;
'/doubled' = {
  x = list('leaf');
  for (i = 0; i < 40; i = i + 1) x = list(x, x);
  x;
};
