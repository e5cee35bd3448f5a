structure template hardware/cpu/xeon_4310;

"manufacturer" = "Intel";
"model" = "Xeon Silver 4310";
"speed" = 2100.0;
"cores" = 12;
"max_threads" = 24;
"arch" = "x86_64";
