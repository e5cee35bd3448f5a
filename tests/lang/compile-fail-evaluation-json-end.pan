object template compile-fail-evaluation-json-end;

'/x' = json_decode('{"a": [1');
