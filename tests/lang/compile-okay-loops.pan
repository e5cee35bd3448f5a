object template compile-okay-loops;

'/while' = { i = 0; s = ''; while (i < 4) { s = s + to_string(i); i = i + 1; }; s; };
'/for' = { r = list(); for (i = 0; i < 3; i = i + 1) r[length(r)] = i * i; r; };
'/foreach_list' = { r = dict(); foreach (i; v; list('a', 'b')) r[v] = i; r; };
'/foreach_dict' = { r = list(); foreach (k; v; dict('z', 1, 'A', 2, 'm', 3)) append(r, format('%s=%d', k, v)); r; };
'/first_next' = { d = dict('a', 1, 'b', 2); t = 0; ok = first(d, k, v); while (ok) { t = t + v; ok = next(d, k, v); }; t; };
