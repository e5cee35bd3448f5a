unique template personality/proxy/config;

"/system/role" = "proxy";
"/system/personality/name" = "proxy";
"/system/personality/owner" = "storage team";

include "features/proxy/config";
