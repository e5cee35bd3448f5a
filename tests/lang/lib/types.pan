declaration template types;

# A number from 1 to 9.
type small = long(1..9);
