# panc: --explain /a
template explain-not_an_object;
