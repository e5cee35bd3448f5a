-- Every value of every node, now and at each revision, for queries. Filled by cdb/values from cdb.node_root and cdb.profile, one
-- revision a transaction, in order: cdb.value_state says how far. Written by cdb/store only; people read the views of schema fabric.
--
-- Sets of nodes are ranges of node numbers, numbers are given by role, cluster and name: a value that all nodes share is one
-- row with one range, a value that one node has is one row. There are no foreign keys here: the recorder alone writes, in bulk.

create table cdb.node_number (
  node text primary key,
  number int not null unique
);

create table cdb.value_path (
  id int primary key,
  path text not null                           -- unique, by the recorder; no unique index because a path may be too long for one
);
create index value_path_text on cdb.value_path using hash (path);

-- One row per distinct value of a path, ever. Empty lists and dicts are values too.
create table cdb.value (
  id uuid primary key,                         -- first half of SHA-256 over path, type and value
  path int not null,                           -- cdb.value_path
  type text not null,                          -- string long double boolean null list dict
  value text not null,                         -- strings bare, others as JSON
  nodes int4multirange not null,               -- who has it now
  only_node int generated always as (case when upper(nodes) - lower(nodes) = 1 then lower(nodes) end) stored
);
create index value_by_path on cdb.value (path);
create index value_by_node on cdb.value (only_node) where only_node is not null;
create index value_shared on cdb.value (path) where only_node is null and not isempty(nodes);

-- What a revision changed: nodes with the same before and after are one row.
create table cdb.value_change (
  revision bigint not null,
  path int not null,
  before uuid,                                 -- cdb.value; null: absent
  after uuid,
  nodes int4multirange not null
);
create index value_change_path on cdb.value_change (path, revision);

-- The recorder's place; its row lock makes several servers take turns.
create table cdb.value_state (
  one boolean primary key default true check (one),
  revision bigint not null
);
insert into cdb.value_state (revision) values (0);

-- Not named weft: a schema with the name of the connecting user would come first in his search_path.
create schema fabric;
comment on schema fabric is 'Read-only views of the configuration database: docs/queries.md';

-- Quattor's escape, undone: _2f is /, _ alone is nothing.
create function fabric.unescape(escaped text) returns text language plpgsql immutable strict as $$
declare
  out bytea := ''; at int := 1; code text;
begin
  if escaped !~ '_' then return escaped; end if;
  if escaped = '_' then return ''; end if;
  while at <= length(escaped) loop
    code := substr(escaped, at, 3);
    if code ~ '^_[0-9a-f]{2}$' and code <> '_00' then
      out := out || decode(substr(code, 2), 'hex');
      at := at + 3;
    else
      out := out || convert_to(substr(escaped, at, 1), 'UTF8');
      at := at + 1;
    end if;
  end loop;
  return convert_from(out, 'UTF8');
exception when character_not_in_repertoire then
  return escaped;
end $$;

-- held_by: the roll-out whose wave the node waits for; desired is what it is given until then.
create view fabric.node as
  select n.name as node, n.branch, n.path as template, encode(n.root, 'hex') as desired_root, n.revision as desired_revision,
    r.time as desired_since, encode(s.applied_root, 'hex') as applied_root, s.applied_revision, s.applied_time as applied_at,
    s.applied_root is not distinct from n.root as in_sync, coalesce(s.outcome, 'none') as outcome, s.received as reported,
    greatest(s.received, e.time) as last_seen, n.attributes ->> 'role' as role, n.attributes ->> 'cluster' as cluster,
    n.attributes ->> 'state' as state, n.attributes ->> 'rack' as rack, n.attributes ->> 'room' as room,
    n.attributes ->> 'serial' as serial, n.attributes ->> 'ip' as ip, n.held_by
  from cdb.given n join cdb.revision r on r.number = n.revision left join cdb.node_status s on s.node = n.name
    left join cdb.node_seen e on e.node = n.name;

-- Two halves, so that both "this path" and "this node" are index look-ups: values of one node, and values that several share.
create view fabric.current_value as
  select n.node, p.path, v.type, v.value
    from cdb.value v join cdb.value_path p on p.id = v.path join cdb.node_number n on n.number = v.only_node
  union all
  select n.node, p.path, v.type, v.value
    from cdb.value v join cdb.value_path p on p.id = v.path join cdb.node_number n on v.nodes @> n.number
    where v.only_node is null and not isempty(v.nodes);

create view fabric.value_history as
  select n.node, p.path, c.revision, r.time, r.author, r.message, o.type as old_type, o.value as old, a.type as new_type,
    a.value as new
  from cdb.value_change c join cdb.value_path p on p.id = c.path join cdb.node_number n on c.nodes @> n.number
    join cdb.revision r on r.number = c.revision left join cdb.value o on o.id = c.before left join cdb.value a on a.id = c.after;

-- /software/packages/NAME[/VERSION[/arch/ARCH]], names and versions unescaped; no version: any.
create view fabric.package as
  select distinct node, fabric.unescape(split_part(path, '/', 4)) as name,
    nullif(fabric.unescape(split_part(path, '/', 5)), '') as version, nullif(split_part(path, '/', 7), '') as arch
  from fabric.current_value where path like '/software/packages/%';

-- A role of the cluster; where this database's owner may not make one, docs/queries.md says what to grant to whom.
do $$
begin
  if not exists (select from pg_roles where rolname = 'weft_reader') then
    create role weft_reader nologin;
  end if;
exception when insufficient_privilege or duplicate_object or unique_violation then
  null;
end $$;
do $$
begin
  if exists (select from pg_roles where rolname = 'weft_reader') then
    grant usage on schema fabric to weft_reader;
    grant select on all tables in schema fabric to weft_reader;
  end if;
end $$;
