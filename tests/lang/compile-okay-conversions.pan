object template compile-okay-conversions;

'/long' = list(to_long('0x10'), to_long('010'), to_long(2.5), to_long(-2.5), to_long(true), to_long('zz', 36));
'/double' = list(to_double(3), to_double('1e3'), to_double(false));
'/boolean' = list(to_boolean(''), to_boolean('False'), to_boolean('x'), to_boolean(0), to_boolean(0.5));
'/string' = list(to_string(1.0), to_string(1e7), to_string(list(1, 'a')), to_string(dict('k', 2.50)));
'/ip' = list(ip4_to_long('10.1.0.0/16'), long_to_ip4(167837696)); '/max' = list(max(1, 2), min(1, 2.5));
'/json' = json_decode('{"a": [1, 2.5, "x", true], "b": {"c": null, "d": 1}}');
