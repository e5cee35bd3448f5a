object template compile-fail-evaluation-circle;

'/a' = value('circle:/x');
