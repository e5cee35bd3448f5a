unique template personality/batch/config;

"/system/role" = "batch";
"/system/personality/name" = "batch";
"/system/personality/owner" = "batch team";

include "features/batch/config";
