object template compile-fail-evaluation-argument-kind;

'/a' = { x = list(1); escape(x); };
