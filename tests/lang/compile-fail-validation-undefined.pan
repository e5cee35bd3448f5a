object template compile-fail-validation-undefined;

'/a/b' = undef;
