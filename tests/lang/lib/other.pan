object template other;

'/data' = dict('name', OBJECT, 'list', list(1, 2));
