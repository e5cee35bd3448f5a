# What every configuration component has.
declaration template quattor/types/component;

include 'pan/types';
include 'quattor/functions/validation';

type structure_component_dependency = {
    @{ desc = components that must run before this one }
    'pre' ? string[] with is_component_list(SELF)
    @{ desc = components that must run after this one }
    'post' ? string[] with is_component_list(SELF)
};

type structure_component = extensible {
    @{ desc = false: the agent leaves what this component manages alone; values = true, false }
    'active' : boolean = true
    @{ desc = false: run only when asked for by name }
    'dispatch' : boolean = true
    'version' ? string
    'dependencies' ? structure_component_dependency
    @{ desc = further paths whose change makes the component run }
    'register_change' ? string[] with is_path_list(SELF)
    'ncm-module' ? string
};
