template explain/append2;

include 'explain/functions';
'/l' = append(three('three'));
'/l' = add_four();
