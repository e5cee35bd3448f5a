-- Changes that wait for the approval of others, and what people said about them. Written by cdb/store only.
create table cdb.proposal (
  id bigint generated always as identity primary key,
  branch text not null references cdb.branch,
  base bigint,                                 -- revision the edits were made on; null: whatever is there
  author text not null,                        -- a person
  message text not null,
  created timestamptz not null default clock_timestamp(),
  state text not null default 'open' check (state in ('open', 'committed', 'rejected', 'withdrawn')),
  effect bytea not null check (octet_length(effect) = 32),  -- of the plan that is reviewed: its edits and every root from and to
  plan bytea not null,                         -- zstd of the JSON {plan, rights}
  edits bytea not null,                        -- zstd of the JSON [{path, content}]
  revision bigint references cdb.revision      -- that it became
);
create index proposal_open on cdb.proposal (author) where state = 'open';

create table cdb.review (
  id bigint generated always as identity primary key,
  proposal bigint not null references cdb.proposal,
  person text not null,
  verdict text not null check (verdict in ('approve', 'reject')),
  effect bytea not null,                       -- of the plan that he saw; approvals of another plan do not count
  comment text not null,
  time timestamptz not null default clock_timestamp()
);
create index review_proposal on cdb.review (proposal);
create trigger review_append_only before update or delete or truncate on cdb.review
  for each statement execute function cdb.refuse_change();
