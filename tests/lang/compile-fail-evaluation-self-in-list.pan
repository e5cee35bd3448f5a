object template compile-fail-evaluation-self-in-list;

'/a' = { l = list(); append(l, l); l; };
