object template given;

'/name' = 'the other one';
