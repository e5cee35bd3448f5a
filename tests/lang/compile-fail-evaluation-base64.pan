object template compile-fail-evaluation-base64;

'/a' = base64_decode('YW*j');
