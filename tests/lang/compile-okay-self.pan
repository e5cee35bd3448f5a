object template compile-okay-self;

'/list' = list(1);
'/list' = append(2);
'/list' = prepend(0);
'/dict/a' = 1;
'/dict' = { SELF['b'] = 2; SELF['c']['d'] = 3; delete(SELF['a']); SELF; };
'/count' = 1;
'/count' = SELF + 1;
variable LIST = list('x');
variable LIST = append('y');
variable LIST = { SELF[length(SELF)] = 'z'; SELF; };
'/variable' = LIST;
'/absent' = if (exists(SELF['q'])) 'yes' else 'no';
