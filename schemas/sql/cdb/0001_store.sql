-- The configuration database: templates by content, revisions, profiles by root hash, nodes, reads, reports, audit, enrolment.
-- Written by cdb/store only. Hashes are raw SHA-256 (32 bytes). Content is compressed by us, so TOAST need not try (external).
create schema cdb;

create function cdb.rfc3339(moment timestamptz) returns text language sql stable parallel safe as
$$ select to_char(moment at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') $$;

-- One row: the revision counter and the size of the read dictionary. Every commit locks it first, so that revision numbers have no
-- gaps, grow in commit order over all branches (a node that changes its branch still sees growing numbers) and dictionary numbers
-- are given once.
create table cdb.counter (
  one boolean primary key default true check (one),
  revision bigint not null,
  reads int not null
);
insert into cdb.counter (revision, reads) values (0, 0);

create table cdb.branch (
  name text primary key check (name ~ '^[a-z0-9][a-z0-9._-]{0,63}$'),
  head bigint not null default 0,
  created timestamptz not null default now()
);
insert into cdb.branch (name) values ('main');

create table cdb.blob (
  hash bytea primary key check (octet_length(hash) = 32),  -- of the plain content
  size int not null,
  data bytea not null                                       -- zstd
);
alter table cdb.blob alter column data set storage external;

create table cdb.revision (
  number bigint primary key,
  branch text not null references cdb.branch,
  parent bigint not null,                      -- 0: the branch was empty
  author_kind text not null,
  author text not null,
  message text not null,
  time timestamptz not null default clock_timestamp(),
  tree bytea not null check (octet_length(tree) = 32),
  reverts bigint references cdb.revision,
  compiled int not null,                       -- objects compiled
  changed int not null,                        -- nodes whose root changed, came or went
  plan bytea not null                          -- zstd of the plan's JSON
);
alter table cdb.revision alter column plan set storage external;
create index revision_branch on cdb.revision (branch, number);

-- What each revision changed; null: absent. The key serves the conflict check and "history of this path".
create table cdb.edit (
  branch text not null,
  path text not null,
  revision bigint not null references cdb.revision,
  before bytea references cdb.blob,
  after bytea references cdb.blob,
  primary key (branch, path, revision)
);
create index edit_revision on cdb.edit (revision);

-- The current tree of each branch.
create table cdb.tree (
  branch text not null references cdb.branch,
  path text not null check (octet_length(path) <= 512),
  blob bytea not null references cdb.blob,
  revision bigint not null,
  primary key (branch, path)
);

create table cdb.profile (
  root bytea primary key check (octet_length(root) = 32),
  size int not null,                           -- of the canonical JSON
  data bytea not null                          -- zstd of the canonical JSON: the very bytes that nodes fetch
);
alter table cdb.profile alter column data set storage external;

-- Every distinct look-up that any object made; objects refer to them by number.
create table cdb.read (
  id int primary key,
  kind smallint not null,                      -- cdb::pan::Read::Kind
  root int not null,
  name text not null,
  path text not null
);

-- One row per object template = node, ever. root null: the object is gone.
create table cdb.node (
  name text primary key check (name ~ '^[A-Za-z0-9][A-Za-z0-9._-]{0,252}$'),
  branch text not null references cdb.branch,
  path text not null,                          -- the object template's file
  root bytea references cdb.profile,           -- desired
  revision bigint not null,                    -- that made `root` desired; grows, so it is the anti-rollback number of the manifest
  touched bigint not null,                     -- last revision that changed anything in this row
  reads bytea not null,                        -- numbers of cdb.read: sorted, delta, varint, zstd
  attributes jsonb not null
);
alter table cdb.node alter column reads set storage external;
create index node_attributes on cdb.node using gin (attributes jsonb_path_ops);
create index node_touched on cdb.node (touched);

-- Desired roots over time, also the outbox of wake notifications: listeners read what is newer than what they saw.
create table cdb.node_root (
  node text not null,
  revision bigint not null references cdb.revision,
  root bytea references cdb.profile,           -- null: the node left
  primary key (node, revision)
);
create index node_root_revision on cdb.node_root (revision);

-- Apart from cdb.node, so that 10,000 reporting nodes never wait for a commit.
create table cdb.node_status (
  node text primary key,
  applied_root bytea,
  applied_revision bigint,
  applied_time timestamptz,
  outcome text not null,
  received timestamptz not null,
  report jsonb not null
);

create table cdb.report (
  id bigint generated always as identity primary key,
  node text not null,
  received timestamptz not null default clock_timestamp(),
  report jsonb not null
);
create index report_node on cdb.report (node, id);

create table cdb.token (
  hash bytea primary key check (octet_length(hash) = 32),  -- of the secret; the secret itself is stored nowhere
  node text not null,
  created_by text not null,
  created timestamptz not null default clock_timestamp(),
  expires timestamptz not null,
  used timestamptz,
  request bytea,                               -- SHA-256 of the request it was used for
  fingerprint text
);
create index token_node on cdb.token (node);

create table cdb.certificate (
  fingerprint text primary key,                -- SHA-256 of DER, hex
  node text not null,
  issued timestamptz not null default clock_timestamp(),
  expires timestamptz not null,
  cause text not null check (cause in ('enrol', 'renew')),
  pem text not null
);
create index certificate_node on cdb.certificate (node, issued);

-- Hash-chained: hash = SHA-256(previous || record). Whoever removes or alters a row breaks the chain after it.
create table cdb.audit (
  id bigint primary key,
  record text not null,                        -- canonical JSON {id, time, actor_kind, actor, action, subject, detail}
  previous bytea not null,
  hash bytea not null unique
);
create table cdb.audit_head (
  one boolean primary key default true check (one),
  id bigint not null,
  hash bytea not null
);
insert into cdb.audit_head (id, hash) values (0, decode(repeat('00', 32), 'hex'));

create function cdb.refuse_change() returns trigger language plpgsql as
$$ begin raise exception '% is append-only', tg_table_name using errcode = 'insufficient_privilege'; end $$;
create trigger audit_append_only before update or delete or truncate on cdb.audit
  for each statement execute function cdb.refuse_change();
create trigger revision_append_only before update or delete or truncate on cdb.revision
  for each statement execute function cdb.refuse_change();
create trigger edit_append_only before update or delete or truncate on cdb.edit
  for each statement execute function cdb.refuse_change();
