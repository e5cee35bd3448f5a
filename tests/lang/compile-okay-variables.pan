object template compile-okay-variables;

variable A = 1;
variable A ?= 2;
final variable B = 'fixed';
variable C ?= { if (exists(D)) D else 'none' };
variable N = null;
'/a' = A; '/b' = B; '/c' = C; '/null' = is_null(N); '/undefined' = is_defined(NOT_THERE);
'/object' = OBJECT; '/template' = TEMPLATE;
function name = FUNCTION;
'/function' = name();
function count = ARGC;
'/count' = count(1, 2, 3); '/none' = count(); '/null_arguments' = count(null, 1, null);
