object template compile-fail-evaluation-too-deep;
variable TIMES = 9999;
variable CHAIN = {
  x = list(1);
  for (i = 0; i < TIMES; i = i + 1) x = list(x);
  x;
};
'/deep' = list(list(CHAIN));
