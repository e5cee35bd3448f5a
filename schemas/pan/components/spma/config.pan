# Switches the component on. What it manages comes from the templates that include this one.
unique template components/spma/config;

include 'components/spma/schema';

prefix '/software/components/spma';
'active' ?= true;
'dispatch' ?= true;
