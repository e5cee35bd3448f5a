object template compile-fail-validation-expression-error;

include 'functions';
type t = string with check_name(SELF);
bind '/x' = t;
'/x' = 'NO';
