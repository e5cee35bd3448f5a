object template compile-fail-syntax-regex-block;

'/a' = match('a', '\p{InNowhere}');
