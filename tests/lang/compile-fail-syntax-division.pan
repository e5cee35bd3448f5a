object template compile-fail-syntax-division;

'/a' = if (exists('/b')) 4 / 0 else 1;
