# The machine: what it is and where it stands.
declaration template quattor/types/hardware;

include 'pan/types';
include 'pan/units';

type structure_cpu = {
    'manufacturer' : string
    'model' : string
    @{ desc = clock; unit = MHz }
    'speed' : double(100..)
    'cores' ? long(1..512)
    'max_threads' ? long(1..2048)
    'arch' ? choice('x86_64', 'aarch64', 'ppc64le', 's390x')
};

type structure_ram = {
    @{ desc = size of one module; unit = MB }
    'size' : long(1..)
    'type' ? string
};

type structure_nic = {
    'hwaddr' ? type_hwaddr
    'driver' ? string
    @{ desc = the node boots from this card }
    'boot' : boolean = false
    'pxe' ? boolean
    'media' ? string
    @{ desc = unit = Mbit/s }
    'maxspeed' ? long(10..)
};

type structure_raidcard = {
    'manufacturer' ? string
    'model' ? string
    'bbu' ? boolean
    'numberports' ? long(1..)
};

type structure_bmc = {
    'hwaddr' ? type_hwaddr
    'ip' ? type_ip
};

type structure_cards = {
    'nic' : structure_nic{}
    'raid' ? structure_raidcard{}
    'bmc' ? structure_bmc[]
};

type structure_harddisk = {
    @{ desc = unit = MB }
    'capacity' : long(1..)
    'interface' : choice('sata', 'sas', 'nvme', 'scsi', 'virtio')
    'model' ? string
    'boot' ? boolean
    @{ desc = the slot on the front of the machine, as a technician counts }
    'slot' ? long(0..200)
    'serialnumber' ? string
};

@documentation{
    Place of a machine. Rack and power feed are failure domains: maintenance budgets and waves of a roll-out are made from them.
}
type structure_sysloc = {
    'building' ? string
    'room' : string_trimmed(1..)
    'rack' : string with match(SELF, '^[A-Z]+\d+$') || error(format('"%s" is not a rack, as R12', SELF))
    @{ desc = the lowest height unit the machine takes }
    'unit' : long(1..60)
    'power_feed' : string with match(SELF, '^[A-Z]$') ||
        error(format('"%s" is not a power feed (one capital letter)', SELF))
    'row' ? string
};

type structure_hardware = {
    'serialnumber' : string_non_whitespace
    'model' : string
    'nodename' ? type_shorthostname
    'location' ? string
    'sysloc' : structure_sysloc
    'cpu' : structure_cpu[1..]
    'ram' : structure_ram[1..]
    'harddisks' ? structure_harddisk{}
    'cards' : structure_cards
    'bios' ? dict
    'console' ? dict
    'procured' ? isodate
    'support' ? dict
} with {
    boots = 0;
    slots = dict();
    if (exists(SELF['harddisks'])) foreach (name; disk; SELF['harddisks']) {
        if (exists(disk['boot']) && disk['boot']) boots = boots + 1;
        if (exists(disk['slot'])) {
            key = 's' + to_string(disk['slot']);
            if (exists(slots[key]))
                error(format('disks %s and %s are both in slot %d', slots[key], name, disk['slot']));
            slots[key] = name;
        };
    };
    boots <= 1 || error(format('%d disks are marked as boot disk, one is possible', boots));
};
