object template compile-fail-syntax-twice;

type t = long;
type t = string;
