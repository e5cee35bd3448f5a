declaration template explain/functions;

function three = {
  if (ARGV[0] == 'three') {
    return(ARGV[0]);
  };
  'never';
};

function add_four = {
  append(SELF, 'four');
  SELF;
};

function make_disk = {
  disk = dict('name', ARGV[0]);
  disk['size'] = 100;
  return(disk);
};
