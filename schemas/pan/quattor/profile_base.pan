# Include this once in each node: from then on the profile must be a structure_profile.
unique template quattor/profile_base;

include 'quattor/types/profile';

bind '/' = structure_profile;
