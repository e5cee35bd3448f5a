object template compile-okay-initial_data;

# panc: --initial-data "dict('site', 'here', 'n', 1 + 1)"
'/n' = SELF + 1;
