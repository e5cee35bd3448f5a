structure template explain/machine_more;

'cpu' ?= 4;
