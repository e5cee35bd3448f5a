object template compile-fail-evaluation-json-name;

'/x' = json_decode('{"a": 1, 2}');
