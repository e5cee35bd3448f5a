structure template explain/machine;

include 'explain/machine_more';
'disk' = create('explain/disk', 'size', 7);
