-- Alarms and actuator runs as nodes tell them. Numbers (samples) are not here: they go to the Prometheus-compatible store.
-- Written by monitor/alarm only.
create schema monitor;

create function monitor.rfc3339(moment timestamptz) returns text language sql stable parallel safe as
$$ select to_char(moment at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') $$;

-- How far each sender's events have been taken. A repetition (the answer was lost) has a number that is not greater, so taking an
-- event and noting its number is one transaction and happens once.
create table monitor.sender (
  node text not null,
  epoch text not null,          -- random, new when the node lost its state
  seq bigint not null,
  updated timestamptz not null default now(),
  primary key (node, epoch)
);

create table monitor.alarm (
  id bigint generated always as identity primary key,
  node text not null,
  rule text not null,
  subject text not null,        -- labels that tell one alarm of a rule from another: {mountpoint="/data"}
  state text not null check (state in ('raised', 'cleared')),
  severity text not null check (severity in ('info', 'warning', 'critical')),
  text text not null,
  procedure text not null,
  owner text not null,
  condition text not null,
  value text not null,
  why text not null,            -- of the last transition
  raised timestamptz not null,  -- by the sender's clock
  cleared timestamptz,
  received timestamptz not null default now(),
  times int not null default 1, -- told as raised
  check ((state = 'cleared') = (cleared is not null))
);
-- One open alarm per node, rule and subject, whoever tells it how often.
create unique index alarm_open on monitor.alarm (node, rule, subject) where state = 'raised';
create index alarm_node on monitor.alarm (node, id);
create index alarm_state on monitor.alarm (state, id);

create table monitor.run (
  id bigint generated always as identity primary key,
  node text not null,
  rule text not null,
  unit text not null,
  run int not null,             -- the how manieth within the rule's window
  allowed int not null,
  outcome text not null check (outcome in ('ok', 'failed', 'refused', 'unknown')),
  message text not null,
  time timestamptz not null,
  received timestamptz not null default now()
);
create index run_node on monitor.run (node, id);

-- When a node was last heard by any gateway; who is silent too long gets the alarm no_contact.
create table monitor.contact (
  node text primary key,
  heard timestamptz not null
);
