object template compile-fail-validation-range;

include 'types';
bind '/x' = small[];
'/x' = list(1, 2, 77);
