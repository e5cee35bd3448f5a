# Small helpers that schemas and site templates share.
declaration template pan/functions;

@documentation{
    Appends the arguments to SELF, which is made a list if it does not exist yet: '/a' = push('x', 'y');
}
function push = {
    if (exists(SELF) && is_list(SELF)) {
        result = SELF;
    } else if (!exists(SELF) || !is_defined(SELF)) {
        result = list();
    } else {
        error('push: the value to extend is no list');
    };
    foreach (i; item; ARGV) {
        result = append(result, item);
    };
    result;
};

@documentation{
    Adds key and value pairs to the dict SELF, made if it does not exist yet: '/a' = npush('key', 'value');
}
function npush = {
    if (ARGC % 2 != 0) error('npush: needs pairs of key and value');
    if (exists(SELF) && is_dict(SELF)) {
        result = SELF;
    } else if (!exists(SELF) || !is_defined(SELF)) {
        result = dict();
    } else {
        error('npush: the value to extend is no dict');
    };
    i = 0;
    while (i < ARGC) {
        result[ARGV[i]] = ARGV[i + 1];
        i = i + 2;
    };
    result;
};

@documentation{
    True if no value occurs twice in the list.
}
function is_unique_list = {
    if (ARGC != 1 || !is_list(ARGV[0])) error('usage: is_unique_list(LIST)');
    seen = dict();
    foreach (i; item; ARGV[0]) {
        key = 'k' + to_string(item);
        if (exists(seen[escape(key)])) return(false);
        seen[escape(key)] = true;
    };
    true;
};

@documentation{
    The host name in an object template name: hostname_from_object() of disk01.example.org is disk01.
}
function hostname_from_object = {
    parts = split('\.', OBJECT);
    parts[0];
};

@documentation{
    The domain name in an object template name: domain_from_object() of disk01.example.org is example.org.
}
function domain_from_object = {
    replace('^[^.]*\.?', '', OBJECT);
};
