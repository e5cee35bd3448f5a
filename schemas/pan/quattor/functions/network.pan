# IPv4 arithmetic for schemas.
declaration template quattor/functions/network;

@documentation{ ip_in_network(IP, NETWORK, NETMASK) }
function ip_in_network = {
    if (ARGC != 3) error('usage: ip_in_network(IP, NETWORK, NETMASK)');
    mask = ip4_to_long(ARGV[2]);
    ip = ip4_to_long(ARGV[0]);
    net = ip4_to_long(ARGV[1]);
    (ip[0] & mask[0]) == (net[0] & mask[0]);
};
