template special;

'/special' = 'override';
