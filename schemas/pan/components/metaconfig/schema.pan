# metaconfig: configuration files made from a tree of values by a renderer. Bind a type of your own to .../contents.
declaration template components/metaconfig/schema;

include 'quattor/types/component';

type metaconfig_convert = {
    'yesno' ? boolean
    'YESNO' ? boolean
    'truefalse' ? boolean
    'TRUEFALSE' ? boolean
    'doublequote' ? boolean
    'singlequote' ? boolean
    'joincomma' ? boolean
    'joinspace' ? boolean
    'unescapekey' ? boolean
    'lowerkey' ? boolean
    'upperkey' ? boolean
} with {
    foreach (i; group; list(
        list('yesno', 'YESNO', 'truefalse', 'TRUEFALSE'), list('doublequote', 'singlequote'),
        list('joincomma', 'joinspace'), list('lowerkey', 'upperkey')
    )) {
        chosen = list();
        foreach (j; name; group) {
            if (exists(SELF[name]) && SELF[name]) chosen = append(chosen, name);
        };
        if (length(chosen) > 1) error(format('convert: %s exclude each other', to_string(chosen)));
    };
    true;
};

type metaconfig_config = {
    'mode' : long(0..0777) = 0644
    'owner' : type_account = 'root'
    'group' : type_account = 'root'
    @{ desc = suffix under which the former content is kept }
    'backup' ? string with match(SELF, '^[.~][A-Za-z0-9._~-]*$')
    @{ desc = text in front of what the renderer makes }
    'preamble' ? string
    'active' : boolean = true
    @{ desc = do not show the content in differences and logs }
    'sensitive' ? boolean
    @{ desc = the renderer }
    'module' : choice('json', 'jsonpretty', 'yaml', 'properties', 'tiny', 'general')
    @{ desc = the values; anything but a single value }
    'contents' ? resource
    'convert' ? metaconfig_convert
    @{ desc = units to act on after a change; each once, however many files ask for it }
    'daemons' ? choice('restart', 'reload', 'condrestart', 'stop_sleep_start'){}
    @{ desc = Quattor's commands before and after: the agent runs none, use daemons }
    'actions' ? dict with length(SELF) == 0 ||
        error('actions would run commands, which the agent does not: use daemons')
} with {
    if (SELF['active'] && !exists(SELF['contents'])) error('the file has no contents');
    if (!match(SELF['module'], '^(json|yaml)') && exists(SELF['contents']) && !is_dict(SELF['contents']))
        error(format('module %s needs a dict as contents', SELF['module']));
    true;
};

type component_metaconfig = {
    include structure_component
    @{ desc = escaped path -> file }
    'services' ? metaconfig_config{}
} with {
    if (exists(SELF['services'])) foreach (path; file; SELF['services']) {
        if (!is_absolute_file_path(unescape(path)))
            error(format(
                '"%s" is not a clean absolute path (is it escaped? use {%s} in paths)', unescape(path), unescape(path)
            ));
    };
    true;
};

bind '/software/components/metaconfig' = component_metaconfig;
