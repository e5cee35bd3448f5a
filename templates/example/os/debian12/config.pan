# Debian 12 "bookworm".
unique template os/debian12/config;

prefix "/system";
"architecture" = "x86_64";
"kernel/version" = "6.1.0-18-amd64";
"os/distribution" = "debian";
"os/architecture" = "x86_64";
"os/version/name" = "bookworm";
"os/version/major" = "12";
