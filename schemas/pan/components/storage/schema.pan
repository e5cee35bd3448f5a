# storage: which part a node plays in a storage system. LEAF's drivers read this, the agent keeps the directories and the service.
declaration template components/storage/schema;

include 'quattor/types/component';

@documentation{ A pool of file systems on many nodes whose files have copies in different failure domains. }
type component_storage_pool = {
    @{ desc = copies of each file, on different nodes }
    'replicas' : long(1..5) = 2
    'description' ? string
};

type component_storage_filesystem = {
    @{ desc = the node's pool: a node serves one }
    'pool' ? type_name
    @{ desc = /dev/..., LABEL=... or UUID=...; nothing: a plain directory }
    'device' ? string with match(SELF, '^(/dev/[^\s]+|LABEL=\S+|UUID=\S+)$') ||
        error(format('"%s" is not a device', SELF))
    'type' ? choice('auto', 'none', 'ext4', 'xfs')
    'mountopts' ? string
    @{ desc = owner of the directory }
    'owner' : type_owner = 'root:root'
    'mode' : type_octal_mode = '0755'
    @{ desc = bytes that may be used; nothing: all }
    'quota' ? long(1..)
    @{ desc = the slot of its disk, as a technician counts }
    'slot' ? long(0..200)
};

type component_storage = {
    include structure_component
    @{ desc = the part the node plays }
    'role' : choice('dirpool')
    @{ desc = the driver by which LEAF reads and drains it }
    'driver' : choice('dirpool')
    @{ desc = the pool of its file systems }
    'pool' : type_name
    @{ desc = copies of each file in that pool }
    'replicas' : long(1..5)
    @{ desc = two copies of a file never stand in the same one }
    'failure_domain' : choice('rack', 'power_feed', 'node') = 'rack'
    @{ desc = name -> pool; the same on all nodes of a cluster }
    'pools' : component_storage_pool{1..}
    @{ desc = place in the failure domains, as site::room::rack, the widest first }
    'geotag' : string with match(SELF, '^[A-Za-z0-9_-]+(::[A-Za-z0-9_-]+)*$') ||
        error(format('"%s" is not a geotag, as site::rack', SELF))
    @{ desc = escaped mount path -> file system }
    'filesystems' : component_storage_filesystem{1..}
    'port' : type_port = 9443
    @{ desc = the unit that serves the file systems }
    'service' : type_unit_name
    @{ desc = proxies that clients of this node may go through }
    'proxy_groups' ? type_name[]
    'labels' ? string{}
} with {
    if (!exists(SELF['pools'][SELF['pool']])) error(format('pool "%s" is not one of the pools', SELF['pool']));
    if (SELF['replicas'] != SELF['pools'][SELF['pool']]['replicas'])
        error(format(
            'replicas is %d, but pool %s has %d', SELF['replicas'], SELF['pool'],
            SELF['pools'][SELF['pool']]['replicas']
        ));
    names = dict();
    foreach (path; fs; SELF['filesystems']) {
        plain = unescape(path);
        if (!is_absolute_file_path(plain) || plain == '/')
            error(format('"%s" is not a clean absolute path (is it escaped? use {%s} in paths)', plain, plain));
        parts = matches(plain, '/([a-z0-9]{1,16})$');
        if (length(parts) != 2)
            error(format(
                'the last part of %s must be 1 to 16 lower-case letters and digits: it is the name in URLs', plain
            ));
        if (exists(names['n' + parts[1]]))
            error(format('%s and %s have the same last part', plain, names['n' + parts[1]]));
        names['n' + parts[1]] = plain;
        if (exists(fs['pool']) && !exists(SELF['pools'][fs['pool']]))
            error(format('%s belongs to pool "%s", which is not one of the pools', plain, fs['pool']));
        if (exists(fs['pool']) && fs['pool'] != SELF['pool'])
            error(format(
                '%s belongs to pool %s: a node serves one pool, this one %s', plain, fs['pool'], SELF['pool']
            ));
    };
    # The unit must be one that the node is told to run.
    unit = replace('\.service$', '', SELF['service']);
    known = exists('/software/components/systemd/unit/' + escape(unit)) ||
        exists('/software/components/systemd/unit/' + unit) ||
        exists('/software/components/systemd/unit/' + SELF['service']);
    known ||
        error(format(
            'unit %s serves the file systems but is not in /software/components/systemd/unit', SELF['service']
        ));
};

bind '/software/components/storage' = component_storage;
