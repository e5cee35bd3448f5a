# Disk server, two units high, twelve slots in front.
structure template hardware/machine/ds2u12;

"model" = "DS-2U12";
"cpu" = {
    cpus = list();
    while (length(cpus) < 1) {
        cpus = append(cpus, create("hardware/cpu/epyc_7313"));
    };
    cpus;
};
"ram" = {
    modules = list();
    while (length(modules) < 8) {
        modules = append(modules, create("hardware/ram/ddr4_16g"));
    };
    modules;
};
"cards/nic/eth0" = create("hardware/nic/x710", "boot", true);
"harddisks/sda" = create("hardware/harddisk/ssd_480g", "boot", true, "slot", 0);
"harddisks/sdb" = create("hardware/harddisk/hdd_18t", "slot", 1);
"harddisks/sdc" = create("hardware/harddisk/hdd_18t", "slot", 2);
