# Defaults of fields, of types, nested; annotations; the chain from the element to the bind statement.
# panc: --explain /
object template explain-types;

include 'explain/types';
bind '/system' = explain_system;
bind '/system/disks' = explain_disk{} with length(SELF) > 0;
bind '/port' = explain_port;

'/system/name' = 'n1';
'/system/disks/sda/size' = 10;
'/system/extra' = 'free';
'/system/list' = list(1, 2);
