# The last half of every node: what needs all the rest to be known.
unique template machine-types/final;

# Claims of the state management (weft sms): the fragment sets /system/state and /system/sms/claims. Without one the node works.
include if_exists("sms/" + OBJECT);
"/system/state" ?= "production";

include "features/motd/config";
