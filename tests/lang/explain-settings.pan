# Overridden, kept, deleted and set again, prefix, final, initial data, several paths and a pattern.
# panc: --initial-data "dict('site', dict('name', 'CERN', 'zone', 'ch'))"
# panc: --explain /site --explain /system --explain /gone/again --explain /gone/for_good --explain /a?/*/x
object template explain-settings;

include 'explain/defaults';

'/system/hostname' = 'node1';
'/system/hostname' ?= 'kept out';
'/site/zone' = 'fr';
final '/system/owner' = 'nobody';
'/system/same' = 1;
'/system/same' = 1;

prefix '/gone';
'again' = 'first';
'again' = null;
'again' = 'second';
'for_good' = dict('x', 1);
'for_good' = null;

prefix '/a1';
'b/x' = 1;
'c/x' = 2;
'c/y' = 3;
prefix '/a2/b';
'x' = 4;
