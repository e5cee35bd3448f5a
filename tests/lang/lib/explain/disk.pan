structure template explain/disk;

'name' = 'sda';
'name' = value('name') + '1';
'size' = 10;
'parts/root' = 5;
