object template compile-okay-types;

type port = long(1..65535);
type pair = { 'name' : string(1..8) 'port' ? port };
type service = extensible { include pair 'kind' : choice('tcp', 'udp') = 'tcp' 'tags' ? string[0..3] 'limits' : long{} = dict() };
type all = { 'services' : service[1..] 'link' ? service* 'ratio' : double(0..1) = 0.5 'on' : boolean = true };
bind '/config' = all;
'/config/services' = list(dict('name', 'http', 'port', 80), dict('name', 'dns', 'kind', 'udp', 'extra', 1));
'/config/link' = '/config/services/0';
