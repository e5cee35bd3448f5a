# The document for machines.
# panc: --json --explain /disk/name --explain /disk/none
object template explain-json;

include 'explain/types';
bind '/disk' = extensible {
  @{ name of the device }
  'name' ? string
};
'/disk' = create('explain/disk');
final '/disk/name' ?= 'x';
