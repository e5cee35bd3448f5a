# filecopy: files with a given content, or copied from another file of the node.
declaration template components/filecopy/schema;

include 'quattor/types/component';

type component_filecopy_entry = {
    @{ desc = the file's content, as text }
    'config' ? string
    @{ desc = a file on the node whose content is taken }
    'source' ? absolute_file_path
    @{ desc = command after a change: systemctl restart UNIT, or a program with plain arguments; values = no shell }
    'restart' ? string_trimmed
    'perms' ? type_octal_mode
    'owner' ? type_owner
    'group' ? type_account
    'no_utf8' ? boolean
    @{ desc = do not show the content in differences and logs }
    'sensitive' ? boolean
    @{ desc = run the command once for each new profile, even if the file did not change }
    'forceRestart' : boolean = false
    @{ desc = keep the former content beside it with the suffix .old }
    'backup' : boolean = true
} with {
    if (exists(SELF['config']) == exists(SELF['source'])) error('a file needs either config or source');
    if (SELF['forceRestart'] && !exists(SELF['restart'])) error('forceRestart needs a restart command');
    if (exists(SELF['restart']) && match(SELF['restart'], '[|&;<>()$`\\"''*?\[\]#~%{}]'))
        error(format('restart command "%s" needs a shell, and the agent runs commands without one', SELF['restart']));
    true;
};

type component_filecopy = {
    include structure_component
    @{ desc = escaped path -> file }
    'services' ? component_filecopy_entry{}
    'ignore_restart_failure' ? boolean
} with {
    if (exists(SELF['services'])) foreach (path; file; SELF['services']) {
        if (!is_absolute_file_path(unescape(path)))
            error(format(
                '"%s" is not a clean absolute path (is it escaped? use {%s} in paths)', unescape(path), unescape(path)
            ));
    };
    true;
};

bind '/software/components/filecopy' = component_filecopy;
