object template compile-okay-literals;

'/decimal' = 42; '/octal' = 0755; '/hex' = 0x7F; '/negative' = -7; '/double' = 1.5e-5; '/big' = 12345678.9; '/whole' = 2.0;
'/single' = 'it''s'; '/double_quoted' = "tab\t quote\" hex\x41 e\xe9"; '/true' = true; '/false' = false;
'/heredoc' = <<EOT;
first line
  'second' "line"
EOT
'/two' = list(<<A, <<B);
a
A
b
B
