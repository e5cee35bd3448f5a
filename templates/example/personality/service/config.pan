unique template personality/service/config;

"/system/role" = "service";
"/system/personality/name" = "service";
"/system/personality/owner" = "infrastructure team";

# What a service node does is said in its own profile.
