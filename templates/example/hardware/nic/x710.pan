structure template hardware/nic/x710;

"driver" = "i40e";
"media" = "ethernet";
"maxspeed" = 10000;
