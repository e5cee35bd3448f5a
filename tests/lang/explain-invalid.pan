# One that does not pass validation is explained whole.
# panc: --explain /port
object template explain-invalid;

bind '/port' = long(1..10);
'/port' = 11;
