object template compile-okay-arithmetic;

'/a' = 7 / 2; '/b' = -7 / 2; '/c' = -7 % 3; '/d' = 7.0 / 2; '/e' = 2 + 3 * 4 - 1; '/f' = (2 + 3) * 4; '/g' = 9223372036854775807 + 1;
'/h' = 5 & 3 | 8 ^ 1; '/i' = ~0; '/j' = 1 == 1.0; '/k' = 'a' < 'b' && !(2 >= 3); '/l' = 'a' + "b";
variable X = 5;
'/m' = X * X % 7; '/n' = if (X > 4) 'large' else 'small'; '/o' = -X; '/p' = 1.005 + X;
