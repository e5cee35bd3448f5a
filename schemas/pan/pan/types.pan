# Basic types. Names are those of Quattor's library, so that existing schemas find them.
declaration template pan/types;

include 'pan/functions';

@documentation{ An IPv4 address in dotted form, each part 0 to 255 without leading zeros. }
function is_ipv4 = {
    if (ARGC != 1 || !is_string(ARGV[0])) error('usage: is_ipv4(STRING)');
    match(ARGV[0], '^(25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)(\.(25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)){3}$');
};

@documentation{ An IPv6 address: at most eight groups, '::' at most once, optionally ending in an IPv4 address. }
function is_ipv6 = {
    if (ARGC != 1 || !is_string(ARGV[0])) error('usage: is_ipv6(STRING)');
    text = ARGV[0];
    wanted = 8;
    tail = matches(text, '^(.*:)(\d+\.\d+\.\d+\.\d+)$');
    if (length(tail) == 3) {
        if (!is_ipv4(tail[2])) return(false);
        text = tail[1] + '0:0';
    };
    if (!match(text, '^[0-9a-fA-F:]{2,39}$') || match(text, ':::') || match(text, '::.*::')) return(false);
    if (match(text, '^:[^:]') || match(text, '[^:]:$')) return(false);
    groups = 0;
    foreach (i; part; split(':', text)) {
        if (length(part) > 4) return(false);
        if (part != '') groups = groups + 1;
    };
    if (match(text, '::')) {
        groups < wanted;
    } else {
        groups == wanted;
    };
};

@documentation{ A netmask: ones, then zeros. }
function is_ipv4_netmask = {
    if (ARGC != 1 || !is_string(ARGV[0])) error('usage: is_ipv4_netmask(STRING)');
    if (!is_ipv4(ARGV[0])) return(false);
    match(ARGV[0], '^((255\.){3}(255|254|252|248|240|224|192|128|0)|(255\.){2}(254|252|248|240|224|192|128|0)\.0|' +
        '255\.(254|252|248|240|224|192|128|0)\.0\.0|(254|252|248|240|224|192|128|0)\.0\.0\.0)$');
};

@documentation{ A host name of one label: letters, digits and inner hyphens. }
function is_shorthostname = {
    if (ARGC != 1 || !is_string(ARGV[0])) error('usage: is_shorthostname(STRING)');
    match(ARGV[0], '^[a-zA-Z0-9]([a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?$');
};

@documentation{ One or more labels. }
function is_hostname = {
    if (ARGC != 1 || !is_string(ARGV[0])) error('usage: is_hostname(STRING)');
    length(ARGV[0]) <= 253 &&
        match(ARGV[0], '^[a-zA-Z0-9]([a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?(\.[a-zA-Z0-9]([a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?)*$');
};

@documentation{ A name with a domain, the last label of letters. }
function is_fqdn = {
    if (ARGC != 1 || !is_string(ARGV[0])) error('usage: is_fqdn(STRING)');
    is_hostname(ARGV[0]) && match(ARGV[0], '\.[a-zA-Z][a-zA-Z0-9-]*$');
};

function is_port = {
    if (ARGC != 1 || !is_string(ARGV[0])) error('usage: is_port(STRING)');
    if (!match(ARGV[0], '^[1-9]\d{0,4}$')) return(false);
    to_long(ARGV[0]) <= 65535;
};

@documentation{ HOST:PORT, with an IPv6 address in brackets. }
function is_hostport = {
    if (ARGC != 1 || !is_string(ARGV[0])) error('usage: is_hostport(STRING)');
    parts = matches(ARGV[0], '^(.+):(\d+)$');
    if (length(parts) != 3 || !is_port(parts[2])) return(false);
    six = matches(parts[1], '^\[(.*)\]$');
    if (length(six) == 2) return(is_ipv6(six[1]));
    is_hostname(parts[1]) || is_ipv4(parts[1]);
};

function is_absolute_uri = {
    if (ARGC != 1 || !is_string(ARGV[0])) error('usage: is_absolute_uri(STRING)');
    match(ARGV[0], '^[a-zA-Z][a-zA-Z0-9+.-]*:[^\s<>"{}|\\^`]+$');
};

function is_hwaddr = {
    if (ARGC != 1 || !is_string(ARGV[0])) error('usage: is_hwaddr(STRING)');
    match(ARGV[0], '^[0-9a-fA-F]{2}(:[0-9a-fA-F]{2}){5}$') || match(ARGV[0], '^[0-9a-fA-F]{2}(:[0-9a-fA-F]{2}){19}$');
};

@documentation{ Begins with / and has no empty, '.' or '..' part, no blank at an end and no control character. }
function is_absolute_file_path = {
    if (ARGC != 1 || !is_string(ARGV[0])) error('usage: is_absolute_file_path(STRING)');
    ARGV[0] == '/' || (match(ARGV[0], '^(/[^/\x00-\x1f\x7f]+)+$') && !match(ARGV[0], '/\.{1,2}(/|$)'));
};

@{ desc = an IPv4 address }
type type_ipv4 = string with is_ipv4(SELF) || error(format('"%s" is not an IPv4 address', SELF));
@{ desc = an IPv6 address }
type type_ipv6 = string with is_ipv6(SELF) || error(format('"%s" is not an IPv6 address', SELF));
@{ desc = an IPv4 or IPv6 address }
type type_ip = string with is_ipv4(SELF) || is_ipv6(SELF) || error(format('"%s" is not an IP address', SELF));
type type_ipv4_netmask = string with is_ipv4_netmask(SELF) || error(format('"%s" is not a netmask', SELF));
@{ desc = the length of a network prefix }
type type_ipv4_prefix_length = long(0..32);
@{ desc = a host name without domain }
type type_shorthostname = string with is_shorthostname(SELF) ||
    error(format('"%s" is not a host name of one label', SELF));
type type_hostname = string with is_hostname(SELF) || error(format('"%s" is not a host name', SELF));
@{ desc = a host name with its domain }
type type_fqdn = string with is_fqdn(SELF) || error(format('"%s" is not a fully qualified domain name', SELF));
type type_port = long(1..65535);
@{ desc = HOST:PORT }
type type_hostport = string with is_hostport(SELF) || error(format('"%s" is not HOST:PORT', SELF));
type type_URI = string with match(SELF, '^[^\s<>"{}|\\^`]+$') || error(format('"%s" is not a URI', SELF));
@{ desc = a URI with its scheme }
type type_absoluteURI = string with is_absolute_uri(SELF) ||
    error(format('"%s" is not an absolute URI, as https://host/path', SELF));
@{ desc = a URI with scheme and host }
type type_hostURI = string with match(SELF, '^[a-zA-Z][a-zA-Z0-9+.-]*://[^/\s]+') ||
    error(format('"%s" is not a URI with a host', SELF));
type type_email = string with match(SELF, '^[^\s@<>]+@[a-zA-Z0-9][a-zA-Z0-9.-]*$') ||
    error(format('"%s" is not a mail address', SELF));
@{ desc = an Ethernet or InfiniBand hardware address }
type type_hwaddr = string with is_hwaddr(SELF) ||
    error(format('"%s" is not a hardware address, as 02:00:7f:4d:01:0b', SELF));
@{ desc = a day, as 2026-11-23 }
type isodate = string with match(SELF, '^\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])$') ||
    error(format('"%s" is not a date, as 2026-11-23', SELF));
type type_uuid = string with match(SELF, '^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$') ||
    error(format('"%s" is not a UUID', SELF));
@{ desc = an absolute path of a file, without . and .. }
type absolute_file_path = string with is_absolute_file_path(SELF) ||
    error(format('"%s" is not a clean absolute path', SELF));
@{ desc = a file mode in octal digits, as 0644 }
type type_octal_mode = string with match(SELF, '^[0-7]?[0-7]{3}$') ||
    error(format('"%s" is not a file mode, as 0644', SELF));
@{ desc = a user, or user:group }
type type_owner = string with match(SELF, '^[a-z_][a-z0-9_-]{0,31}\$?(:[a-z_][a-z0-9_-]{0,31})?$') ||
    error(format('"%s" is not a user or user:group', SELF));
@{ desc = a user or group name }
type type_account = string with match(SELF, '^[a-z_][a-z0-9_-]{0,31}\$?$') ||
    error(format('"%s" is not an account name', SELF));
@{ desc = a string without blanks at its ends }
type string_trimmed = string with match(SELF, '^(\S(.*\S)?)?$') || error(format('"%s" has blanks at an end', SELF));
type string_non_whitespace = string with match(SELF, '^\S+$') || error(format('"%s" has blanks or is empty', SELF));
@{ desc = a name used in paths, metrics and messages: lower-case letters, digits, hyphen, underscore }
type type_name = string with match(SELF, '^[a-z][a-z0-9_-]{0,62}$') ||
    error(format('"%s" is not a name (lower-case letters, digits, - and _)', SELF));
@{ desc = a systemd unit with its suffix }
type type_unit_name = string with
    match(SELF, '^[A-Za-z0-9:_.@\\-]+\.(service|socket|mount|automount|timer|target|slice|path|swap)$') ||
    error(format('"%s" is not a systemd unit with its suffix, as nginx.service', SELF));
@{ desc = an answer of older schemas }
type legacy_binary_affirmation_string = choice('yes', 'no');
