# spma: packages. The list itself is /software/packages, where they come from /software/repositories.
declaration template components/spma/schema;

include 'quattor/types/component';

type component_spma = {
    include structure_component
    'packager' : choice('apt') = 'apt'
    'run' ? legacy_binary_affirmation_string
    @{ desc = yes: packages that are not listed stay; no: they are removed }
    'userpkgs' ? legacy_binary_affirmation_string
    @{ desc = no: APT sources that are not in /software/repositories are removed }
    'userrepos' ? legacy_binary_affirmation_string
    @{ desc = packages, by shell pattern, that are never removed }
    'whitelist' ? string[]
} with {
    if (exists(SELF['userpkgs']) && SELF['userpkgs'] == 'no' && !exists('/software/packages'))
        error('userpkgs=no without /software/packages would remove everything');
    true;
};

bind '/software/components/spma' = component_spma;
