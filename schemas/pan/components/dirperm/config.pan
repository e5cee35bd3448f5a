# Switches the component on. What it manages comes from the templates that include this one.
unique template components/dirperm/config;

include 'components/dirperm/schema';

prefix '/software/components/dirperm';
'active' ?= true;
'dispatch' ?= true;
