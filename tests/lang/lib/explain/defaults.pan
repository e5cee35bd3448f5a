template explain/defaults;

'/system/hostname' ?= 'unknown';
'/system/owner' ?= OBJECT;
include if_exists('explain/nowhere');
include 'explain/more';
