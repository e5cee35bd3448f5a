# What a block leaves shared inside SELF is shared no longer when the statement is done.
object template compile-okay-shared;

prefix '/a';
'twice' = { s = dict('k', list(1)); append(s); append(s); SELF; };
'twice/1/k/0' = 2;
'self' = { s = dict('k', list(1)); SELF['a'] = s; SELF['b'] = s; SELF; };
'self/b/k/0' = 2;
'again' = list(dict('k', list(1)));
'again' = { append(SELF[0]); SELF; };
'again/1/k/0' = 3;
'within' = { s = dict('k', list(1)); append(s); s['k'][0] = 5; append(s); s['k'][0] = 6; SELF; };
