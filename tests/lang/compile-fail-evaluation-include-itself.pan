object template compile-fail-evaluation-include-itself;

include 'endless';
