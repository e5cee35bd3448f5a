object template compile-fail-evaluation-join-elements;

'/a' = { l = list('a', 1); join(',', l); };
