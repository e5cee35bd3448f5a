# /system: the node's identity, place in the fabric and state.
declaration template quattor/types/system;

include 'pan/types';
include 'quattor/types/network';
include 'quattor/types/monitoring';

type structure_kernel = {
    'version' : string_non_whitespace
};

type structure_os_version = {
    'name' : string
    'major' : string
    'minor' ? string
    'full' ? string
};

type structure_os = {
    'distribution' : string
    'version' : structure_os_version
    'architecture' ? choice('x86_64', 'aarch64', 'ppc64le', 's390x')
    'flavour' ? string
};

@documentation{
    How many members of a cluster may be out of service at once, for whatever reason. The workflow engine reserves from this.
}
type structure_maintenance_budget = {
    'max_concurrent' ? long(0..100000)
    'per_rack' ? long(0..100000)
    'per_power_feed' ? long(0..100000)
    'min_healthy_percent' ? long(0..100)
};

type structure_cluster = {
    'name' : type_name
    'type' ? string
    'maintenance' ? structure_maintenance_budget
};

@documentation{
    States of a node. The lives of nodes in service are driven by claims (weft sms); test, development and onloan are for machines
    outside it.
}
type structure_state = choice(
    'production', 'standby', 'draining', 'quarantine', 'maintenance', 'retiring', 'test', 'development', 'onloan'
);

@documentation{ Why a node is not in production: written by LEAF into sms/NODE.pan, never by hand. }
type structure_claim = {
    'state' : choice('standby', 'draining', 'quarantine', 'maintenance', 'retiring')
    'reason' : string
    'category' : string
    'owner' : string
    'since' : string
    'ticket' ? string
    'expires' ? string
};

type structure_sms = {
    'claims' ? structure_claim[]
};

type structure_personality = {
    'name' : string
    'owner' ? string
};

type structure_filesystem = {
    'block_device' ? string
    'mountpoint' : absolute_file_path
    'type' : choice('auto', 'ext2', 'ext3', 'ext4', 'none', 'swap', 'tmpfs', 'vfat', 'xfs')
    'format' : boolean = false
    'preserve' : boolean = true
    'mount' : boolean = true
    'mountopts' : string = 'defaults'
    'freq' : long(0..) = 0
    'pass' : long(0..2) = 0
    'label' ? string
};

type structure_system = {
    'architecture' ? choice('x86_64', 'aarch64', 'ppc64le', 's390x')
    'kernel' ? structure_kernel
    'network' : structure_network
    'rootmail' : type_email
    'os' ? structure_os
    'state' : structure_state
    'siterelease' ? string
    @{ desc = what the node is for, as dirpool, proxy, batch, service }
    'role' : type_name
    'cluster' : structure_cluster
    'personality' ? structure_personality
    'archetype' ? dict
    'filesystems' ? structure_filesystem[]
    'blockdevices' ? dict
    'monitoring' ? structure_monitoring
    'sms' ? structure_sms
    @{ desc = what this node offers, and where, to the nodes that use it }
    'provides' ? dict
    'services' ? dict
} with {
    if (exists(SELF['filesystems'])) {
        points = list();
        foreach (i; fs; SELF['filesystems']) {
            points = append(points, fs['mountpoint']);
        };
        if (!is_unique_list(points)) error('a mount point occurs twice in /system/filesystems');
    };
    true;
};
