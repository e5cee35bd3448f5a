# Proxy in front of the storage.
unique template machine-types/proxy;

variable MACHINE_MODEL ?= "hardware/machine/px1u";
variable CLUSTER ?= "proxies";

include "machine-types/base";
include "personality/proxy/config";
include "machine-types/final";
