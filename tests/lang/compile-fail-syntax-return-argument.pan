object template compile-fail-syntax-return-argument;

'/a' = to_string(return(1));
