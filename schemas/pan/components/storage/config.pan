# Switches the component on. What it manages comes from the templates that include this one.
unique template components/storage/config;

include 'components/storage/schema';

prefix '/software/components/storage';
'active' ?= true;
'dispatch' ?= true;
