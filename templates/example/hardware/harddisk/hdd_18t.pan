structure template hardware/harddisk/hdd_18t;

# unit: MB
"capacity" = 18874368;
"interface" = "sas";
"model" = "ST18000NM004J";
