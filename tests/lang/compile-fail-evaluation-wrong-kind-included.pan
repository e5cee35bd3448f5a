object template compile-fail-evaluation-wrong-kind-included;

include 'disk';
