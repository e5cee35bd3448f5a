object template compile-okay-lists;

'/negative' = { l = list('a', 'b', 'c'); l[-1]; };
'/merge' = merge(list(1), list(2, 3)); '/merge_dict' = merge(dict('a', 1), dict('b', 2)); '/splice' = splice(list('a', 'b', 'c'), 1, 1, list('x', 'y'));
'/index' = list(index('b', list('a', 'b')), index('q', list()), index(2, dict('x', 1, 'y', 2)), index(dict('a', 1), list(dict('a', 1, 'b', 2), dict('a', 1))));
'/key' = key(dict('b', 1, 'a', 2), 0); '/length' = list(length(list()), length(dict('a', 1)), length(undef));
'/delete' = { l = list(1, 2, 3); l[1] = null; l; };
