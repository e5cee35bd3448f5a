object template compile-fail-validation-missing-field;

type t = { 'a' : long 'b' : long };
bind '/x' = t;
'/x/a' = 1;
