object template compile-okay-loadpath;

include 'where';
variable LOADPATH = list('override');
include 'special';
'/text' = file_contents('note.txt');
'/exists' = list(file_exists('note.txt'), file_exists('no.txt'), exists('plain'), exists('nowhere'));
