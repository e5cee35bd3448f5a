# Disk server of a directory pool.
unique template machine-types/dirpool;

variable MACHINE_MODEL ?= "hardware/machine/ds2u12";
variable CLUSTER ?= "storage";

include "machine-types/base";
include "personality/dirpool/config";
include "machine-types/final";
