object template compile-fail-syntax-regex-lookbehind;

'/a' = match('aab', '(?<=a+)b');
