object template compile-fail-syntax-digest-name;

'/a' = digest('MD4', 'x');
