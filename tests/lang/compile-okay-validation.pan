object template compile-okay-validation;

type even = long with SELF % 2 == 0;
function is_name = match(ARGV[0], '^[a-z]+$');
type name = string with is_name(SELF);
type interval = { 'low' : long 'high' : long } with SELF['low'] <= SELF['high'];
bind '/even' = even; bind '/names' = name{}; bind '/interval' = interval;
'/even' = 4; '/names/a' = 'abc'; '/interval' = dict('low', 1, 'high', 2);
valid '/even' = SELF > 3;
'/valid' = list(is_valid(even, 2), is_valid(even, 3), is_valid(name, 1));
