-- Who may change what: each policy ever in force, whole; the one with the highest number counts. Written under the lock of
-- cdb.counter, as every commit is, so that a commit knows the policy it was checked against.
create table cdb.policy (
  number bigint primary key,
  author_kind text not null,
  author text not null,
  message text not null,
  time timestamptz not null default clock_timestamp(),
  text text not null check (octet_length(text) <= 1048576)
);
create trigger policy_append_only before update or delete or truncate on cdb.policy
  for each statement execute function cdb.refuse_change();
