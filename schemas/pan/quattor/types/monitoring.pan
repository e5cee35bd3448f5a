# /system/monitoring: what weft-sensord measures and watches. Sensors without an entry run with their defaults.
declaration template quattor/types/monitoring;

include 'pan/types';

@documentation{ A shell pattern, * and ?. }
type monitoring_pattern = string_non_whitespace;

type monitoring_sensor = {
    'active' ? boolean
    @{ desc = seconds between two samples }
    'period' ? long(1..86400)
    @{ desc = by sensor: see monitoring_options }
    'options' ? dict
};

variable MONITORING_SENSORS = dict(
    'cpu', list(),
    'memory', list(),
    'load', list(),
    'time', list(),
    'uname', list(),
    'self', list(),
    'vmstat', list(),
    'pressure', list(),
    'disk', list('exclude'),
    'filesystem', list('exclude_types', 'exclude_mounts', 'timeout'),
    'network', list('exclude'),
    'systemd', list('units'),
    'agent', list('file'),
);

@documentation{ Sensor names are known, and each sensor has only its own options, of the right type. }
function is_monitoring_sensors = {
    if (ARGC != 1 || !is_dict(ARGV[0])) error('usage: is_monitoring_sensors(DICT)');
    foreach (name; sensor; ARGV[0]) {
        if (!exists(MONITORING_SENSORS[name])) error(format('there is no sensor "%s"', name));
        if (exists(sensor['options'])) foreach (option; setting; sensor['options']) {
            if (index(option, MONITORING_SENSORS[name]) < 0)
                error(format('sensor %s has no option "%s"', name, option));
            if (option == 'timeout') {
                if (!is_long(setting) || setting < 1 || setting > 60)
                    error('option timeout is a number of seconds from 1 to 60');
            } else if (option == 'file') {
                if (!is_string(setting) || !is_absolute_file_path(setting)) error('option file is an absolute path');
            } else {
                if (!is_list(setting)) error(format('option %s of sensor %s is a list of patterns', option, name));
                foreach (i; pattern; setting) {
                    if (!is_string(pattern) || pattern == '')
                        error(format('option %s of sensor %s is a list of patterns', option, name));
                };
            };
        };
    };
    true;
};

@documentation{ What the node does by itself when the condition holds, before anybody is called. }
type monitoring_actuator = {
    'kind' : choice('restart-unit')
    'unit' : type_unit_name
    @{ desc = runs within the window before the alarm is raised instead }
    'max_runs' ? long(1..100)
    @{ desc = seconds }
    'window' ? long(60..604800)
    @{ desc = seconds after a run before the condition counts again }
    'wait' ? long(1..3600)
    @{ desc = seconds after which the restart is given up }
    'timeout' ? long(1..3600)
};

type monitoring_rule = {
    'active' ? boolean
    @{ desc = expression over the node's own metrics, as: node_load1 > 8 for 5m }
    'condition' : string(1..1000)
    'severity' ? choice('info', 'warning', 'critical')
    @{ desc = one sentence for the person on shift }
    'text' : string_trimmed(1..300)
    'procedure' ? type_absoluteURI
    'owner' ? string_trimmed
    @{ desc = seconds between two evaluations }
    'period' ? long(1..3600)
    @{ desc = seconds that the condition must be false before the alarm clears }
    'clear_after' ? long(0..86400)
    'actuator' ? monitoring_actuator
};

type structure_monitoring = {
    'active' ? boolean
    'push' ? {
        'url' ? type_hostURI with match(SELF, '^https://') || error('metrics are pushed over https only')
        @{ desc = seconds between two batches }
        'period' ? long(1..3600)
        'labels' ? string{}
    }
    @{ desc = room for samples that could not be sent }
    'spool' ? { 'bytes' : long(1048576..) }
    'sensors' ? monitoring_sensor{} with is_monitoring_sensors(SELF)
    'rules' ? monitoring_rule{}
} with {
    if (exists(SELF['push']['labels'])) foreach (label; text; SELF['push']['labels']) {
        if (!match(label, '^[a-zA-Z_][a-zA-Z0-9_]*$') || label == 'instance' || label == 'job')
            error(format('"%s" cannot be a label of pushed metrics', label));
    };
    true;
};
