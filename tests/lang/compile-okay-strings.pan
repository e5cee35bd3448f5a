object template compile-okay-strings;

'/length' = length('grün😀'); '/substr' = substr('abcdef', 1, -2); '/splice' = splice('abc', 1, 1, 'XY');
'/split' = split(',', 'a,b,,c,,'); '/limit' = split(',', 2, 'a,b,c'); '/join' = join('-', list('a', 'b')); '/lower' = to_lowercase('ÄB');
'/match' = match('host12', '^[a-z]+\d+$'); '/matches' = matches('10.1.2.3', '(\d+)\.(\d+)'); '/optional' = matches('ab', '(a)(x)?(b)(y)?');
'/replace' = replace('(\w+)@(\w+)', '$2 at $1', 'user@host'); '/flags' = match('ABC', 'abc', 'i'); '/index' = index('cd', 'abcd');
'/escape' = escape('a b/1'); '/unescape' = unescape('_31_2f'); '/format' = format('%05.1f|%-4s|%x|%s', 2.25, 'ab', 255, list(1, true));
'/b64' = base64_decode(base64_encode('weft')); '/sha' = digest('SHA-256', ''); '/html' = json_encode(dict('a', '<&>'));
