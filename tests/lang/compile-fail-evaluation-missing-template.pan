object template compile-fail-evaluation-missing-template;

include 'plain';
include 'plian';
