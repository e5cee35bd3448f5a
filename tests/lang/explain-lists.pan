# Elements appended in three templates, in blocks and functions; removed, so that others move; merged.
# panc: --explain /l --explain /shifted --explain /gap --explain /block --explain /merged --explain /sorted
object template explain-lists;

'/l' = list('one');
include 'explain/append1';
include 'explain/append2';
'/l' = append('five');

'/shifted' = list('a', 'b', 'c');
'/shifted/0' = null;
'/shifted' = prepend('z');
'/gap/2' = 'x';
'/gap/-1' = 'y';
'/gap/0' = 'u';
'/gap/1' ?= 'v';

'/block' = {
  SELF[0] = 'first';
  append(SELF, 'second');
  foreach (i; name; list('third', 'fourth')) {
    append(SELF, name);
  };
  SELF;
};

'/merged' = dict('a', 1, 'b', 2);
'/merged' = merge(SELF, dict('c', 3));
'/merged' = {
  SELF['b'] = 20;
  SELF['d'] = dict('e', 5);
  SELF['d']['f'] = 6;
  SELF;
};
'/sorted' = {
  foreach (i; v; value('/l')) {
    SELF[length(value('/l')) - 1 - i] = v;
  };
  SELF;
};
