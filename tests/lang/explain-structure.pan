# Structure templates: used as they are, with arguments, inside each other, edited afterwards, kept in a variable, put twice.
# panc: --explain /disks --explain /variable --explain /machine --explain /edited --explain /list
object template explain-structure;

'/disks/a' = create('explain/disk');
'/disks/b' = create('explain/disk', 'size', 20);
'/disks/a/size' = 30;
variable DISK = create('explain/disk', 'name', 'var');
'/variable' = DISK;
'/machine' = create('explain/machine');
'/edited' = {
  disk = create('explain/disk');
  disk['size'] = 99;
  disk['label'] = 'mine';
  disk;
};
'/list' = list(create('explain/disk'));
'/list' = append(create('explain/disk', 'name', 'second'));
