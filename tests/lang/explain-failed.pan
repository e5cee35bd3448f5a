# A profile that fails is explained as far as it got.
# panc: --explain /a --explain /later
object template explain-failed;

'/a' = 1;
'/a' = {
  SELF + UNKNOWN;
};
'/later' = 2;
