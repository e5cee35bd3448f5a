# A file on the command line needs no place on the include path; others read its values.
# panc: {here}/away/given.pan
object template compile-okay-given_file;

'/name' = value('given:/name');
'/list' = value('given:/list');
'/there' = path_exists('given:/nothing');
