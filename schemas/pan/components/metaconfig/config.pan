# Switches the component on. What it manages comes from the templates that include this one.
unique template components/metaconfig/config;

include 'components/metaconfig/schema';

prefix '/software/components/metaconfig';
'active' ?= true;
'dispatch' ?= true;
