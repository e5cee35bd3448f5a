object template compile-fail-evaluation-final-variable;

final variable X = 1;
variable X = 2;
