# Corners where the Java library decides.
object template compile-okay-java_details;

'/index' = list(index('', ''), index('', '', 5), index('', 'ab', 9), index('x', '', 1));
'/base64' = list(base64_decode('a'), base64_decode('YQ==YQ=='), base64_decode('/////w=='));
'/digest' = list(digest('SHA3-224', 'a'), digest('SHA-512/256', 'a'), digest('sha256', 'a'));
'/block' = list(match('α', '^\p{InGreek}$'), match('a', '\p{block=Basic Latin}'), match('a', '\p{InGREEK_EXTENDED}'));
'/class' = list(match('b', '[a&&]'), match('a', '[a&&]'), match('F', '\p{IsHex_Digit}'), match('$x1', '^\p{javaJavaIdentifierStart}+'));
'/word' = list(matches('aé', '\b.'), match('é', '\B'), match('a é', '\bé\b'), match('(?)', '(?)'));
'/sharp' = list(match('ẞ', 'ß', 'iu'), match('ß', 'ẞ', 'iu'));
'/deprecated' = { l = list(); foreach (i; x; list(1)) { append(l, deprecated(0, 'old')); }; l; };
