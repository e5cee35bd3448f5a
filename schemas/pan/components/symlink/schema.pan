# symlink: symbolic links.
declaration template components/symlink/schema;

include 'quattor/types/component';

@documentation{ What may stand in the way and is then replaced. }
type component_symlink_replace = {
    'all' ? legacy_binary_affirmation_string
    'dir' ? legacy_binary_affirmation_string
    'dirempty' ? legacy_binary_affirmation_string
    'file' ? legacy_binary_affirmation_string
    'link' ? legacy_binary_affirmation_string
    'none' ? legacy_binary_affirmation_string
};

type component_symlink_entry = {
    'name' : absolute_file_path
    @{ desc = where it leads; values = no @@command@@ }
    'target' ? string(1..) with !match(SELF, '@@') ||
        error(format('target "%s" asks for the output of a command, which a profile cannot', SELF))
    @{ desc = the target must exist }
    'exists' ? boolean
    @{ desc = remove the link }
    'delete' ? boolean
    'replace' ? component_symlink_replace
} with {
    removed = exists(SELF['delete']) && SELF['delete'];
    if (!removed && !exists(SELF['target'])) error(format('link %s has no target', SELF['name']));
    if (exists(SELF['target']) && SELF['target'] == SELF['name'])
        error(format('link %s points to itself', SELF['name']));
    true;
};

type component_symlink = {
    include structure_component
    'links' ? component_symlink_entry[]
    'options' ? {
        'exists' ? boolean
        'replace' ? component_symlink_replace
    }
} with {
    names = list();
    if (exists(SELF['links'])) foreach (i; link; SELF['links']) {
        names = append(names, link['name']);
    };
    is_unique_list(names) || error('two links have the same name');
};

bind '/software/components/symlink' = component_symlink;
