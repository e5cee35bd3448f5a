object template circle;

'/x' = value('compile-fail-evaluation-circle:/a');
