template explain/append1;

'/l' = append('two');
