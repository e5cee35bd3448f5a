# Switches the component on. What it manages comes from the templates that include this one.
unique template components/systemd/config;

include 'components/systemd/schema';

prefix '/software/components/systemd';
'active' ?= true;
'dispatch' ?= true;
