object template compile-fail-syntax-default;

type t = { 'a' : string = to_string(OTHER) };
