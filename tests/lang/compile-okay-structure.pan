object template compile-okay-structure;

'/one' = create('disk');
'/two' = create('disk', 'size', 20, 'name', 'sdb', 'gone', null);
