object template compile-fail-validation-link;

bind '/x' = long*;
'/x' = '/y';
