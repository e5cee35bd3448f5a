-- When a node was last heard of by anything but a report (wake, fetch). Written in batches every few seconds, so a row is a hint.
create table cdb.node_seen (
  node text primary key,
  time timestamptz not null
);
