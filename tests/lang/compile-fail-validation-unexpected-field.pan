object template compile-fail-validation-unexpected-field;

type t = { 'colour' : string };
bind '/x' = t;
'/x/color' = 'red';
