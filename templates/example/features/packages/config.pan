# Packages that every node has, in any version. An exact version: "/software/packages/{tzdata}/{2024a-0+deb12u1}/arch/all" = "";
unique template features/packages/config;

prefix "/software/packages";
"{iproute2}" = dict();
"{procps}" = dict();
"{tzdata}" = dict();

# Packages that are not listed stay.
"/software/components/spma/userpkgs" = "yes";
