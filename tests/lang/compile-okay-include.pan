object template compile-okay-include;

include 'plain';
include { 'unique' };
include if_exists('not_there');
include undef;
include 'unique';
include format('%s', 'types');
bind '/typed' = small;
'/typed' = 5;
'/unique_count' = COUNT;
