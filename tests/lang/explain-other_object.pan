# Values of another object.
# panc: --explain /
object template explain-other_object;

'/copy' = value('explain-structure:/disks/a/size');
