# Sizes in Quattor's unit, the megabyte: '/hardware/ram/0/size' = 64 * GB;
declaration template pan/units;

final variable MB = 1;
final variable GB = 1024 * MB;
final variable TB = 1024 * GB;
