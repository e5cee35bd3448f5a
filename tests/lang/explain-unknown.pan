# Paths that match nothing: siblings, the same name elsewhere, nothing alike. What is known is still shown.
# panc: --explain /system/hostnam --explain /hostname --explain /system/hostname/deeper --explain /none --explain /system/x*
object template explain-unknown;

'/system/hostname' = 'node1';
