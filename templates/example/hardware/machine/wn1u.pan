# Batch worker, one unit high.
structure template hardware/machine/wn1u;

"model" = "WN-1U";
"cpu" = {
    cpus = list();
    while (length(cpus) < 2) {
        cpus = append(cpus, create("hardware/cpu/epyc_7313"));
    };
    cpus;
};
"ram" = {
    modules = list();
    while (length(modules) < 16) {
        modules = append(modules, create("hardware/ram/ddr4_16g"));
    };
    modules;
};
"cards/nic/eth0" = create("hardware/nic/x710", "boot", true);
"harddisks/sda" = create("hardware/harddisk/ssd_480g", "boot", true, "slot", 0);
