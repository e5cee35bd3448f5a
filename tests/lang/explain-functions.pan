# Values made by functions: the return that gave them, and where the function stands.
# panc: --explain /
object template explain-functions;

include 'explain/functions';
variable NAME = 'sda';
'/disk' = make_disk(NAME);
'/text' = three('three');
'/other' = three('x');
'/disks' = {
  SELF['b'] = make_disk('sdb');
  SELF['b']['size'] = 5;
  SELF;
};
