# Switches the component on. What it manages comes from the templates that include this one.
unique template components/symlink/config;

include 'components/symlink/schema';

prefix '/software/components/symlink';
'active' ?= true;
'dispatch' ?= true;
