structure template disk;

'name' = 'sda';
'size' = 10;
'geometry/sectors' = value('size') * 2;
'gone' = 1;
