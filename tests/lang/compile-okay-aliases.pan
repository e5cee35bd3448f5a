object template compile-okay-aliases;

# Locals alias, values of variables and of the tree are copied.
variable G = dict('k', 1);
'/alias' = { x = dict('a', 1); y = x; y['b'] = 2; x; };
'/copy' = { x = G; x['k'] = 2; list(x['k'], G['k']); };
'/cloned' = { x = dict('a', 1); y = clone(x); y['a'] = 2; x['a']; };
'/shared' = { x = list(1); y = list(x, x); append(x, 2); y; };
'/tree/v' = 1;
'/from_tree' = { t = value('/tree'); t['v'] = 2; list(t['v'], value('/tree/v')); };
function add_to = { ARGV[0]['new'] = 1; length(ARGV[0]); };
'/argument' = { x = dict(); n = add_to(x); list(n, length(x)); };
'/nested_copy' = { x = dict('in', dict('a', 1)); y = dict(); y['c'] = x; x['in']['a'] = 9; y['c']['in']['a']; };
'/loop_alias' = { x = dict('p', dict(), 'q', dict()); foreach (k; v; x) v['name'] = k; x; };
