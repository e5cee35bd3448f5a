# /software: packages as /software/packages/NAME/VERSION/arch/ARCH (names and versions escaped), and where they come from.
declaration template quattor/types/software;

include 'pan/types';
include 'quattor/types/component';

type SOFTWARE_PACKAGE_REP = string with match(SELF, '^[A-Za-z0-9_.-]*$') ||
    error(format('"%s" is not a repository name', SELF));

type SOFTWARE_PACKAGE = {
    @{ desc = architecture -> repository, or nothing for any repository }
    'arch' ? SOFTWARE_PACKAGE_REP{}
};

@documentation{ Keys are escaped package names. One version, or none for any; it may hold * and ?. Versions are escaped. }
function is_software_packages = {
    if (ARGC != 1 || !is_dict(ARGV[0])) error('usage: is_software_packages(DICT)');
    foreach (name; versions; ARGV[0]) {
        plain = unescape(name);
        if (!match(plain, '^[A-Za-z0-9][A-Za-z0-9+._-]*$'))
            error(format('"%s" is not a package name (is it escaped? use {%s} in paths)', plain, plain));
        if (length(versions) > 1) error(format('two versions of package %s are wanted', plain));
        if (is_dict(versions)) foreach (version; detail; versions) {
            if (!match(unescape(version), '^[A-Za-z0-9*?][A-Za-z0-9*?+.:~_-]*$'))
                error(format('"%s" is not a version of package %s', unescape(version), plain));
        };
    };
    true;
};

type SOFTWARE_REPOSITORY_PROTOCOL = {
    'name' : string
    @{ desc = for APT: URI SUITE COMPONENT..., or a URI alone }
    'url' : string with match(SELF, '^[a-z]+:/\S*( \S+)*$') || error(format('"%s" is not a repository address', SELF))
    'cacert' ? absolute_file_path
    'clientcert' ? absolute_file_path
    'clientkey' ? absolute_file_path
    'verify' ? boolean
};

type SOFTWARE_REPOSITORY = {
    'name' : string with match(SELF, '^[A-Za-z0-9_.-]+$') || error(format('"%s" is not a repository name', SELF))
    'enabled' : boolean = true
    'gpgcheck' ? boolean
    'repo_gpgcheck' ? boolean
    'gpgkey' ? type_absoluteURI[1..]
    'gpgcakey' ? type_absoluteURI
    @{ desc = 1 is the most wanted }
    'priority' ? long(1..99)
    'includepkgs' ? string[]
    'excludepkgs' ? string[]
    'proxy' ? string with SELF == '' || is_absolute_uri(SELF)
    'skip_if_unavailable' ? boolean
    'owner' ? string
    'protocols' : SOFTWARE_REPOSITORY_PROTOCOL[1..]
};

type SOFTWARE_GROUP = {
    'default' : boolean = true
    'mandatory' : boolean = true
    'optional' : boolean = false
};

type structure_software = {
    @{ desc = the agent's components; each schema binds its own type to its own path }
    'components' ? structure_component{}
    'packages' ? SOFTWARE_PACKAGE{}{} with is_software_packages(SELF)
    'repositories' ? SOFTWARE_REPOSITORY[]
    'groups' ? SOFTWARE_GROUP{}
    'modules' ? dict
} with {
    names = list();
    if (exists(SELF['repositories'])) foreach (i; repository; SELF['repositories']) {
        names = append(names, repository['name']);
    };
    if (!is_unique_list(names)) error('two repositories have the same name');
    if (exists(SELF['packages'])) foreach (name; versions; SELF['packages']) {
        foreach (version; detail; versions) {
            if (exists(detail['arch'])) foreach (arch; repository; detail['arch']) {
                if (repository != '' && index(repository, names) < 0)
                    error(format(
                        'package %s comes from repository "%s", which is not in /software/repositories', unescape(name),
                        repository
                    ));
            };
        };
    };
    true;
};
