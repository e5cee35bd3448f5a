declaration template functions;

function check_name = {
  if (!match(ARGV[0], '^[a-z]+$')) error('bad name %s', ARGV[0]);
  true;
};
