structure template hardware/ram/ddr4_16g;

# unit: MB
"size" = 16384;
"type" = "DDR4-3200";
