object template compile-fail-validation-type;

bind '/x' = string;
'/x' = 1;
