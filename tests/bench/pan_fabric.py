"""A made-up fabric of disk and worker nodes for the benches of the Pan compiler.

Every node has about 1,400 leaf values: packages, services, kernel settings, file systems and disks counted out by loops, all bound to
record types with validation. parse/ holds declaration templates, for the front end alone. The same numbers give the same bytes.
"""
SHARED = "site/kernel.pan"  # a file that every node reads, and a statement that fits it and any node's own template
STATEMENT = "'/node/kernel/bench' = '%d';"


TYPES = """declaration template site/types;

function valid_address = {
  parts = split('\\.', ARGV[0]);
  if (length(parts) != 4) return(false);
  foreach (i; part; parts) {
    if (!match(part, '^[0-9]{1,3}$') || to_long(part) > 255) return(false);
  };
  true;
};
function mount_options = {
  text = '';
  foreach (name; on; ARGV[0]) {
    if (on) text = if (text == '') name else text + ',' + name;
  };
  text;
};

type address = string with valid_address(SELF);
type absolute = string with match(SELF, '^/');
type package = { 'arch' : choice('x86_64', 'noarch', 'aarch64') 'version' ? string with match(SELF, '^[0-9]') 'held' : boolean = false };
type service = { 'enabled' : boolean = true 'after' : string[] = list() 'limit' ? long(1..1048576) 'restart' : string = 'on-failure' };
type disk = { 'serial' : string(4..40) 'bytes' : long(1..) 'model' : string 'spare' : boolean = false };
type filesystem = { 'device' : string 'mount' : absolute 'type' : choice('xfs', 'ext4') 'options' : string 'reserve' : double(0..50) };
type metric = { 'interval' : long(1..3600) 'warn' ? double 'tags' : string{} };
type node = {
  'name' : string with match(SELF, '^[a-z][a-z0-9.-]*$')
  'address' : address
  'rack' : { 'name' : string 'unit' : long(1..60) 'feed' : choice('a', 'b') }
  'packages' : package{}
  'services' : service{}
  'kernel' : string{}
  'disks' : disk{}
  'filesystems' : filesystem[1..]
  'metrics' : metric{}
};
"""

NODE = """object template {name};

variable RACK = '{rack}';
variable UNIT = {unit};
variable ADDRESS = '{address}';
variable DISKS = {disks};

include 'site/types';
bind '/node' = node;
include 'role/{role}';
'/node/packages/{{site-extra-{extra}}}' = dict('arch', 'noarch', 'held', true);
"""

BASE = """unique template site/base;

prefix '/node';
'name' = OBJECT;
'address' = ADDRESS;
'rack/name' = RACK;
'rack/unit' = UNIT;
'rack/feed' = if (UNIT % 2 == 0) 'a' else 'b';
include 'site/packages';
include 'site/kernel';
include 'site/disks';
include 'site/metrics';
"""

DISKS = """template site/disks;

'/node/disks' = {
  n = 0;
  while (n < DISKS) {
    SELF[format('d%02d', n)] = dict('serial', format('%s-%04x', replace('\\.', '-', OBJECT), n), 'model', 'ST18000', 'bytes', 18000207937536 + n);
    n = n + 1;
  };
  SELF;
};
'/node/filesystems' = {
  foreach (name; disk; value('/node/disks')) {
    options = dict('noatime', true, 'nodiratime', true, 'discard', disk['bytes'] % 2 == 0);
    append(create('site/filesystem', 'device', '/dev/disk/by-serial/' + disk['serial'], 'mount', '/data/' + name,
      'options', mount_options(options)));
  };
  SELF;
};
"""


def generate(folder, nodes, declarations):
    def write(name, text):
        path = folder / (name + ".pan")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    write("site/types", TYPES)
    write("site/base", BASE)
    write("site/disks", DISKS)
    write("site/filesystem", "structure template site/filesystem;\n\n'type' = 'xfs';\n'reserve' = 2.5;\n")
    packages = "".join(f"'/node/packages/{{lib{i:03d}+tools}}' = dict('arch', '{('x86_64', 'noarch')[i % 2]}', 'version', '{i % 9}.{i % 7}-{i}');\n" for i in range(220))
    write("site/packages", "template site/packages;\n\n" + packages)
    write("site/kernel", "template site/kernel;\n\n'/node/kernel' = {\n" + "".join(
        f"  SELF[escape('net.ipv4.setting_{i}')] = to_string({i} * 16);\n" for i in range(120)) + "  SELF;\n};\n")
    write("site/metrics", "template site/metrics;\n\n'/node/metrics' = {\n  foreach (i; kind; list('cpu', 'disk', 'net', 'mem', 'gateway')) {\n    for (n = 0; n < 24; n = n + 1) {\n"
          "      SELF[format('%s_%d', kind, n)] = dict('interval', 10 + n, 'warn', 0.5 * n, 'tags', dict('kind', kind, 'rack', RACK));\n    };\n  };\n  SELF;\n};\n")
    for role, services in (("disk", 30), ("worker", 60)):
        lines = "".join(f"'/node/services/{role}-{i}' = dict('after', list('network', 'local-fs'), 'limit', {1024 + i});\n" for i in range(services))
        write(f"role/{role}", f"template role/{role};\n\ninclude 'site/base';\n{lines}")
    profiles = []
    for i in range(nodes):
        role = "disk" if i % 4 else "worker"
        name = f"{role}{i:05d}.example.org"
        profiles.append(write("profiles/" + name, NODE.format(
            name=name, rack=f"r{i // 40:03d}", unit=i % 40 + 1, role=role, extra=i % 50, disks=36 if role == "disk" else 4,
            address=f"10.{i >> 16 & 255}.{i >> 8 & 255}.{i & 255}")))
    parsed = []
    for i in range(declarations):
        body = "".join(f"@{{ Field group {n} of component {i}. }}\ntype t{i}_{n} = {{\n  'enabled' : boolean = {('true', 'false')[n % 2]}\n  'path' : string = '/etc/c{i}/{n}' with match(SELF, '^/')\n"
                       f"  'limits' ? long(1..{n + 1})[]\n}};\nfunction f{i}_{n} = {{\n  total = 0;\n  foreach (k; v; ARGV[0]) {{\n    if (is_long(v) && v > {n}) total = total + v * 2;\n  }};\n  return(total);\n}};\n"
                       for n in range(40))
        parsed.append(write(f"parse/c{i:04d}", f"declaration template parse/c{i:04d};\n\n{body}"))
    return profiles, parsed
