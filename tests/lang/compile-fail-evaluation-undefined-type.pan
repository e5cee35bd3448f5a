object template compile-fail-evaluation-undefined-type;

type t = { 'a' : sting };
