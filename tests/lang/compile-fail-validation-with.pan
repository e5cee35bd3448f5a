object template compile-fail-validation-with;

type even = long with {
  SELF % 2 == 0;
};
bind '/x' = even{};
'/x/a' = 3;
