# dirperm: owners and modes of files and folders; makes those that are missing.
declaration template components/dirperm/schema;

include 'quattor/types/component';

type component_dirperm_entry = {
    'path' : absolute_file_path
    'perm' : type_octal_mode
    'owner' : type_owner
    @{ desc = d a folder, f a file }
    'type' : choice('d', 'f')
    @{ desc = skeletons that a new folder is filled from }
    'initdir' ? absolute_file_path[]
    @{ desc = act only when the path's file system is mounted }
    'checkmount' ? boolean
} with !(exists(SELF['initdir']) && SELF['type'] == 'f') || error(format('%s: initdir is for folders', SELF['path']));

type component_dirperm = {
    include structure_component
    'paths' ? component_dirperm_entry[]
} with {
    names = list();
    if (exists(SELF['paths'])) foreach (i; entry; SELF['paths']) {
        names = append(names, entry['path']);
    };
    is_unique_list(names) || error('a path occurs twice in dirperm');
};

bind '/software/components/dirperm' = component_dirperm;
