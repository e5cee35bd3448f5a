template explain/more;

variable DOMAIN ?= 'example.org';
'/system/domain' = DOMAIN;
'/system/fqdn' = value('/system/hostname') + '.' + DOMAIN;
