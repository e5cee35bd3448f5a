-- Branches beside main: domains, which nodes follow, and sandboxes, somebody's work. A branch's objects are compiled and stored for
-- the branch; cdb.node holds only what is desired of machines: the object of the branch that the node follows.
alter table cdb.branch
  add column kind text not null default 'domain' check (kind in ('domain', 'sandbox')),
  add column owner_kind text not null default '',
  add column owner text not null default '',
  add column description text not null default '',
  add column source text references cdb.branch,   -- forked from, at source_revision, by revision created_in
  add column source_revision bigint,
  add column created_in bigint,
  add column deleted timestamptz;                 -- the name stays taken: revisions and edits are kept for ever

-- What a revision took in from another branch: the common base of the next merge.
alter table cdb.revision
  add column merged text references cdb.branch,
  add column merged_revision bigint;
create index revision_merged on cdb.revision (branch) where merged is not null;

create table cdb.object (
  branch text not null references cdb.branch,
  name text not null check (name ~ '^[A-Za-z0-9][A-Za-z0-9._-]{0,252}$'),
  path text not null,                          -- the object template's file
  root bytea references cdb.profile,           -- null: the object is gone
  revision bigint not null,                    -- of this branch, that gave it this root
  touched bigint not null,                     -- last revision that changed anything in this row
  reads bytea not null,                        -- numbers of cdb.read: sorted, delta, varint, zstd
  attributes jsonb not null,
  primary key (branch, name)
);
alter table cdb.object alter column reads set storage external;
create index object_touched on cdb.object (branch, touched);
insert into cdb.object (branch, name, path, root, revision, touched, reads, attributes)
  select branch, name, path, root, revision, touched, reads, attributes from cdb.node;
drop index cdb.node_touched;
alter table cdb.node drop column touched, drop column reads;

-- Which nodes changed their branch, by which revision (of the branch they follow since).
create table cdb.node_move (
  revision bigint not null references cdb.revision,
  node text not null,
  source text not null references cdb.branch,
  primary key (revision, node)
);
create trigger node_move_append_only before update or delete or truncate on cdb.node_move
  for each statement execute function cdb.refuse_change();
create index node_revision on cdb.node (revision);
create index node_branch on cdb.node (branch);
