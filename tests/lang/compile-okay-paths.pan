object template compile-okay-paths;

'/plain/a' = 1;
'/{/etc/passwd}/x' = 2;
"/list/0" = 'zero';
'/list/1/b' = 'one';
'/gone' = 1;
'/gone' = null;
'/cond' ?= 'first';
'/cond' ?= 'second';
final '/fixed' = 3;
prefix '/pre/fix';
'a' = 1;
'b/c' = 2;
prefix 'more';
'd' = 3;
prefix '';
'/last' = value('/pre/fix/more/d');
