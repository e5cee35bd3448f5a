# Switches the component on. What it manages comes from the templates that include this one.
unique template components/filecopy/config;

include 'components/filecopy/schema';

prefix '/software/components/filecopy';
'active' ?= true;
'dispatch' ?= true;
