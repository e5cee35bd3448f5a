# systemd: states of units, and unit files or drop-ins made from values.
declaration template components/systemd/schema;

include 'quattor/types/component';

@documentation{ A span of time as systemd reads it: 30, 5s, 2min 30s, infinity. }
type systemd_time = string
    with match(SELF, '^(infinity|\d+(us|ms|s|sec|m|min|h|d|w)?( \d+(us|ms|s|sec|m|min|h|d|w)?)*)$') ||
    error(format('"%s" is not a time span of systemd', SELF));

type systemd_unitfile_unit = {
    'Description' ? string
    'Documentation' ? string[]
    'After' ? type_unit_name[]
    'Before' ? type_unit_name[]
    'Requires' ? type_unit_name[]
    'Wants' ? type_unit_name[]
    'BindsTo' ? type_unit_name[]
    'PartOf' ? type_unit_name[]
    'Conflicts' ? type_unit_name[]
    'OnFailure' ? type_unit_name[]
    'RequiresMountsFor' ? absolute_file_path[]
    'ConditionPathExists' ? string[]
    'AssertPathExists' ? string[]
    'DefaultDependencies' ? boolean
    'StartLimitIntervalSec' ? systemd_time
    'StartLimitBurst' ? long(0..)
};

type systemd_unitfile_install = {
    'Alias' ? string[]
    'WantedBy' ? type_unit_name[]
    'RequiredBy' ? type_unit_name[]
    'Also' ? type_unit_name[]
};

type systemd_unitfile_service = {
    'Type' ? choice('simple', 'exec', 'forking', 'oneshot', 'dbus', 'notify', 'idle')
    'ExecStart' ? string[]
    'ExecStartPre' ? string[]
    'ExecStartPost' ? string[]
    'ExecReload' ? string[]
    'ExecStop' ? string[]
    'ExecStopPost' ? string[]
    'RemainAfterExit' ? boolean
    'PIDFile' ? absolute_file_path
    'Restart' ? choice('no', 'on-success', 'on-failure', 'on-abnormal', 'on-watchdog', 'on-abort', 'always')
    'RestartSec' ? systemd_time
    'TimeoutStartSec' ? systemd_time
    'TimeoutStopSec' ? systemd_time
    'KillMode' ? choice('control-group', 'mixed', 'process', 'none')
    'KillSignal' ? string
    'User' ? type_account
    'Group' ? type_account
    'WorkingDirectory' ? string
    'Environment' ? string[]
    'EnvironmentFile' ? string[]
    'Nice' ? long(-20..19)
    'OOMScoreAdjust' ? long(-1000..1000)
    'LimitNOFILE' ? string
    'LimitNPROC' ? string
    'MemoryMax' ? string
    'CPUQuota' ? string
    'TasksMax' ? string
    'Slice' ? string
    'RuntimeDirectory' ? string[]
    'StateDirectory' ? string[]
    'NoNewPrivileges' ? boolean
    'PrivateTmp' ? boolean
    'ProtectSystem' ? choice('true', 'false', 'yes', 'no', 'full', 'strict')
    'ProtectHome' ? choice('true', 'false', 'yes', 'no', 'read-only', 'tmpfs')
    'ReadWritePaths' ? string[]
    'StandardOutput' ? string
    'StandardError' ? string
};

type systemd_unitfile_timer = {
    'OnCalendar' ? string[]
    'OnBootSec' ? systemd_time
    'OnUnitActiveSec' ? systemd_time
    'AccuracySec' ? systemd_time
    'RandomizedDelaySec' ? systemd_time
    'Persistent' ? boolean
    'Unit' ? type_unit_name
};

type systemd_unitfile_socket = {
    'ListenStream' ? string[]
    'ListenDatagram' ? string[]
    'Accept' ? boolean
    'SocketMode' ? type_octal_mode
};

type systemd_unitfile_config = {
    'unit' ? systemd_unitfile_unit
    'install' ? systemd_unitfile_install
    'service' ? systemd_unitfile_service
    'timer' ? systemd_unitfile_timer
    'socket' ? systemd_unitfile_socket
};

type systemd_unitfile = {
    'config' : systemd_unitfile_config
    @{ desc = true: the whole unit file; false: a drop-in that adds to the packaged one }
    'replace' : boolean = false
    @{ desc = write the file, leave the unit's state alone }
    'only' ? boolean
} with {
    if (SELF['replace'] && exists(SELF['config']['service']) && !exists(SELF['config']['service']['ExecStart']))
        error('a whole service unit needs ExecStart');
    true;
};

type systemd_unit = {
    'name' ? string
    'targets' : string[1..] = list('multi-user')
    'type' : choice('service', 'target', 'socket', 'mount', 'automount', 'timer', 'slice', 'path') = 'service'
    'state' : choice('enabled', 'disabled', 'masked') = 'enabled'
    @{ desc = start or stop it now, too }
    'startstop' : boolean = true
    'file' ? systemd_unitfile
};

type component_systemd = {
    include structure_component
    @{ desc = unit name, with or without suffix -> unit }
    'unit' ? systemd_unit{}
    @{ desc = what to do with units that are not listed: nothing, always }
    'unconfigured' : choice('ignore') = 'ignore'
};

bind '/software/components/systemd' = component_systemd;
