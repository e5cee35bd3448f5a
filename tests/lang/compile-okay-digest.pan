object template compile-okay-digest;

'/md2' = digest('MD2', 'abc');
'/md5' = digest('md5', 'abc');
'/sha' = digest('SHA', 'abc');
'/sha256' = digest('SHA-256', '');
'/computed' = { text = ''; foreach (i; c; list('a', 'b', 'c')) { text = text + c; }; digest('M' + 'D2', text); };
