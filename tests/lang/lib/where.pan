template where;

'/where' = 'root';
