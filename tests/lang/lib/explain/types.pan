declaration template explain/types;

@documentation{
  desc = a port that may be listened on
}
type explain_port = long(1..65535) = 8080;

type explain_geometry = {
  'heads' : long = 16
  'sectors' : long = 63
};

type explain_disk = {
  @{ size in GB }
  'size' : long(1..)
  'geometry' : explain_geometry = dict('heads', 8)
  'label' ? string = 'none'
};

type explain_base = {
  @{
    desc = who is called at night
    values = a login name
  }
  'contact' : string = 'root'
};

type explain_system = extensible {
  include explain_base
  'name' : string
  'port' : explain_port
  'disks' : explain_disk{}
  'list' : long[]
  'timeout' : double = 2.5
};
