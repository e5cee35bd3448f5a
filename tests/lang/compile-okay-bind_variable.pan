object template compile-okay-bind_variable;

variable BASE = '/some';
type t = { 'a' : long = 3 };
bind '${BASE}/where' = t;
'/some/where' = dict();
