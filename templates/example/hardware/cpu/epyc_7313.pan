structure template hardware/cpu/epyc_7313;

"manufacturer" = "AMD";
"model" = "EPYC 7313";
"speed" = 3000.0;
"cores" = 16;
"max_threads" = 32;
"arch" = "x86_64";
