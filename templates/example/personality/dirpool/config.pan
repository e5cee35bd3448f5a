unique template personality/dirpool/config;

"/system/role" = "dirpool";
"/system/personality/name" = "dirpool";
"/system/personality/owner" = "storage team";

include "features/dirpool/config";
