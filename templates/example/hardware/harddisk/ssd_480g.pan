structure template hardware/harddisk/ssd_480g;

# unit: MB
"capacity" = 491520;
"interface" = "sata";
"model" = "MZ7LH480";
