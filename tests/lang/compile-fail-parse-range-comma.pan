object template compile-fail-parse-range-comma;

type t = long(1,2);
