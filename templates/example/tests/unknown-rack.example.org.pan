# A rack that nobody knows is a mistake in the profile, and said so.
object template unknown-rack.example.org;

# expect-error: stands in rack R9, which is not in site/places

variable NODE = dict("rack", "R9", "unit", 30, "serial", "EX-DS-1099");

include "machine-types/dirpool";
