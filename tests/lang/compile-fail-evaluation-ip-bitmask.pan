object template compile-fail-evaluation-ip-bitmask;

'/a' = ip4_to_long('10.0.0.0/33');
