# panc: --explain /a
object template explain-syntax;

'/a' = ;
