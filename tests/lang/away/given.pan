object template given;

include 'where';

'/name' = OBJECT;
'/list' = list(1, 2);
