object template compile-fail-evaluation-error-call;

include 'functions';
'/a' = check_name(
  'BAD');
