object template compile-fail-validation-choice;

bind '/x' = choice('start', 'stop');
'/x' = 'stopp';
