object template compile-fail-syntax-automatic-variable;

variable OBJECT = 'x';
