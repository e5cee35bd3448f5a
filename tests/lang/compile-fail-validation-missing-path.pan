object template compile-fail-validation-missing-path;

bind '/x' = { 'a' ? long };
