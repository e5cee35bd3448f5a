object template compile-fail-evaluation-if-test;

'/a' = { x = 'yes'; if (x) 1 else 2; };
