# Checks that need the whole profile, or other profiles.
declaration template quattor/functions/validation;

@documentation{ Every element names a component of this profile. }
function is_component_list = {
    if (ARGC != 1 || !is_list(ARGV[0])) error('usage: is_component_list(LIST)');
    foreach (i; name; ARGV[0]) {
        if (!exists('/software/components/' + name)) error(format('component "%s" is not in the profile', name));
    };
    true;
};

@documentation{ Every element is a path that exists in this profile. }
function is_path_list = {
    if (ARGC != 1 || !is_list(ARGV[0])) error('usage: is_path_list(LIST)');
    foreach (i; path; ARGV[0]) {
        if (!exists(path)) error(format('the profile has no path %s', path));
    };
    true;
};

@documentation{
    is_profile_list(LIST [, ROLE]): each element names a node whose profile compiles, with that role if given.
    Reads the other profiles: when one of them changes, this one is checked anew.
}
function is_profile_list = {
    foreach (i; node; ARGV[0]) {
        role = value(node + ':/system/role');
        if (ARGC > 1 && role != ARGV[1]) error(format('%s has the role "%s", not "%s"', node, role, ARGV[1]));
    };
    true;
};
