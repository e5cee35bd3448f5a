unique template unique;

variable COUNT = { if (is_defined(SELF)) SELF + 1 else 1 };
