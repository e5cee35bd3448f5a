# /system/network
declaration template quattor/types/network;

include 'pan/types';
include 'quattor/functions/network';

type structure_route = {
    'address' ? type_ip
    'netmask' ? type_ipv4_netmask
    'prefix' ? long(0..128)
    'gateway' ? type_ip
} with !(exists(SELF['netmask']) && exists(SELF['prefix'])) || error('a route has a netmask or a prefix, not both');

type structure_interface_alias = {
    'ip' : type_ip
    'netmask' : type_ipv4_netmask
    'broadcast' ? type_ipv4
    'fqdn' ? type_fqdn
};

type structure_bonding_options = {
    @{ desc = 0 balance-rr, 1 active-backup, 2 balance-xor, 3 broadcast, 4 802.3ad, 5 balance-tlb, 6 balance-alb }
    'mode' : long(0..6)
    'miimon' : long(0..)
    'updelay' ? long(0..)
    'downdelay' ? long(0..)
    'primary' ? string
    'lacp_rate' ? long(0..1)
    'xmit_hash_policy' ? choice('0', '1', '2', 'layer2', 'layer2+3', 'layer3+4')
} with {
    needs = SELF['mode'] == 1 || SELF['mode'] == 5 || SELF['mode'] == 6;
    if (needs && !exists(SELF['primary'])) error(format('bonding mode %d needs a primary interface', SELF['mode']));
    if (!needs && exists(SELF['primary'])) error(format('bonding mode %d takes no primary interface', SELF['mode']));
    true;
};

type structure_interface = {
    'ip' ? type_ipv4
    'netmask' ? type_ipv4_netmask
    'broadcast' ? type_ipv4
    'gateway' ? type_ipv4
    'bootproto' ? choice('static', 'bootp', 'dhcp', 'none')
    'onboot' ? boolean
    'type' ? choice('Ethernet', 'Bridge', 'Tap', 'IPIP', 'Infiniband', 'Loopback')
    'device' ? string
    'mtu' ? long(68..65536)
    'master' ? string
    'bonding_opts' ? structure_bonding_options
    'bridge' ? string
    'vlan' ? boolean
    'physdev' ? string
    'aliases' ? structure_interface_alias{}
    'route' ? structure_route[]
    'ipv6addr' ? string
} with {
    static = !exists(SELF['bootproto']) || SELF['bootproto'] == 'static';
    bare = exists(SELF['master']) || exists(SELF['bridge']);
    if (static && !bare && (!exists(SELF['ip']) || !exists(SELF['netmask'])))
        error('a static interface needs ip and netmask');
    if (exists(SELF['gateway']) && exists(SELF['ip']) && !ip_in_network(SELF['gateway'], SELF['ip'], SELF['netmask']))
        error(format('gateway %s is not in the network of %s/%s', SELF['gateway'], SELF['ip'], SELF['netmask']));
    if (exists(SELF['vlan']) && SELF['vlan'] && !exists(SELF['physdev'])) error('a VLAN interface needs a physdev');
    true;
};

type structure_network = {
    'hostname' : type_shorthostname
    'domainname' : type_fqdn
    'realhostname' ? type_fqdn
    'default_gateway' ? type_ip
    'guess_default_gateway' ? boolean
    'gatewaydev' ? string
    'interfaces' : structure_interface{1..}
    'nameserver' ? type_ip[1..3]
    @{ desc = the address by which other machines and Weft reach this node }
    'primary_ip' : type_ip
    'routers' ? structure_route{}
    'set_hwaddr' ? boolean
    'nozeroconf' ? boolean
} with {
    found = false;
    routed = !exists(SELF['default_gateway']);
    foreach (name; interface; SELF['interfaces']) {
        if (exists(interface['ip']) && interface['ip'] == SELF['primary_ip']) found = true;
        if (exists(interface['ip']) && !routed)
            routed = ip_in_network(SELF['default_gateway'], interface['ip'], interface['netmask']);
        foreach (i; other; list('master', 'bridge')) {
            if (exists(interface[other]) && !exists(SELF['interfaces'][interface[other]]))
                error(format('interface %s names %s %s, which does not exist', name, other, interface[other]));
        };
    };
    if (!found) error(format('primary_ip %s is the address of no interface', SELF['primary_ip']));
    if (!routed) error(format('default_gateway %s is in the network of no interface', SELF['default_gateway']));
    true;
};
