# Batch worker.
unique template machine-types/batch;

variable MACHINE_MODEL ?= "hardware/machine/wn1u";
variable CLUSTER ?= "batch";

include "machine-types/base";
include "personality/batch/config";
include "machine-types/final";
