object template compile-fail-evaluation-json-value;

'/x' = json_decode('[1 2]');
