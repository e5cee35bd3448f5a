template endless;

include 'endless';
