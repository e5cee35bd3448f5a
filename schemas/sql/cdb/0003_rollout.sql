-- Roll-outs: revisions whose profiles reach the nodes in waves. Written by cdb/store only. A node that waits for its wave is held:
-- it goes on being given what it was given before, whatever its branch says.
create table cdb.rollout_policy (
  name text primary key check (name ~ '^[a-z0-9][a-z0-9._-]{0,63}$'),
  document jsonb not null,                     -- as written, checked by cdb/rollout
  author text not null,
  changed timestamptz not null default clock_timestamp()
);
-- Of commits that name no policy; null: at once.
alter table cdb.branch add column rollout text references cdb.rollout_policy;

create table cdb.rollout (
  revision bigint primary key references cdb.revision,
  policy text not null,
  document jsonb not null,                     -- the policy as it was at the commit
  state text not null check (state in ('running', 'paused', 'halted', 'reverting', 'done', 'reverted')),
  wave int not null default 0,                 -- released last; 0: none yet
  waves int not null check (waves > 0),
  names jsonb not null,                        -- of the waves
  policy_waves jsonb not null,                 -- of each, its index in the policy; one behind the last: what was left over
  released timestamptz,                        -- when `wave` was
  reason text not null default '',             -- of the state
  updated timestamptz not null default clock_timestamp()
);
create index rollout_open on cdb.rollout (revision) where state not in ('done', 'reverted');

create table cdb.rollout_node (
  revision bigint not null references cdb.rollout,
  node text not null,
  wave int not null check (wave > 0),
  state text not null default 'waiting' check (state in ('waiting', 'released', 'applied', 'failed', 'skipped', 'superseded')),
  message text not null default '',
  accepted boolean not null default false,     -- somebody said: go on although it failed
  released timestamptz,
  changed timestamptz,                         -- of the state
  primary key (revision, node)
);
create index rollout_node_open on cdb.rollout_node (node) where state = 'waiting';

-- What a node is given until its wave comes. rollout: the newest one that makes it wait.
create table cdb.held (
  node text primary key references cdb.node,
  root bytea not null references cdb.profile,
  revision bigint not null,
  rollout bigint not null references cdb.rollout
);
create index held_rollout on cdb.held (rollout);

-- What every node is given now.
create view cdb.given as
  select n.name, n.branch, n.path, coalesce(h.root, n.root) as root, coalesce(h.revision, n.revision) as revision,
    n.attributes, n.root as head_root, n.revision as head_revision, h.rollout as held_by
  from cdb.node n left join cdb.held h on h.node = n.name where n.root is not null;

-- The stop switch: no roll-out goes on while `stopped`.
create table cdb.rollout_switch (
  one boolean primary key default true check (one),
  stopped boolean not null default false,
  author text not null default '',
  reason text not null default '',
  changed timestamptz not null default clock_timestamp()
);
insert into cdb.rollout_switch default values;

-- Outbox of releases, for whoever wakes nodes: numbers grow in commit order, as the counter's row is locked.
alter table cdb.counter add column release bigint not null default 0;
create table cdb.release (
  number bigint not null,
  node text not null,
  time timestamptz not null default clock_timestamp(),
  primary key (number, node)
);
