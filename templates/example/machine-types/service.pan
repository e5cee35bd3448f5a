# Service node.
unique template machine-types/service;

variable MACHINE_MODEL ?= "hardware/machine/sv1u";
variable CLUSTER ?= "services";

include "machine-types/base";
include "personality/service/config";
include "machine-types/final";
