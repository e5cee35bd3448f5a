# The whole profile of a node.
declaration template quattor/types/profile;

include 'quattor/types/hardware';
include 'quattor/types/system';
include 'quattor/types/software';

type structure_metadata = {
    'template' ? dict
    'features' ? string[]
};

type structure_profile = {
    'metadata' ? structure_metadata
    'hardware' : structure_hardware
    'system' : structure_system
    'software' ? structure_software
};
