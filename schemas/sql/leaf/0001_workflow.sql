-- Role leaf: workflows, claims, budgets, work orders. Time is the database's clock only; workers' clocks decide nothing.
CREATE SCHEMA IF NOT EXISTS leaf;

-- The stop switch: exactly one row. Read just before each act; unreadable counts as stopped.
CREATE TABLE leaf.control (
  one boolean PRIMARY KEY DEFAULT true CHECK (one),
  stopped boolean NOT NULL DEFAULT false,
  who text NOT NULL DEFAULT '',
  why text NOT NULL DEFAULT '',
  at timestamptz NOT NULL DEFAULT now());
INSERT INTO leaf.control DEFAULT VALUES;

CREATE TABLE leaf.definition (
  name text NOT NULL,
  version int NOT NULL CHECK (version > 0),
  sha256 text NOT NULL,
  source text NOT NULL,
  installed_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (name, version));

-- A run. `rev` counts its events; whoever changes the row names the rev it read.
CREATE TABLE leaf.instance (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  definition text NOT NULL,
  version int NOT NULL,
  sha256 text NOT NULL,
  dedupe_key text,
  subject text NOT NULL,
  state text NOT NULL CHECK (state IN ('running', 'blocked', 'compensating', 'done', 'failed', 'cancelled')),
  step text NOT NULL,
  message text NOT NULL DEFAULT '',
  vars jsonb NOT NULL,
  rev bigint NOT NULL DEFAULT 0,
  cancel_by text,
  cancel_why text,
  created_by text NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  finished_at timestamptz,
  FOREIGN KEY (definition, version) REFERENCES leaf.definition,
  CHECK ((finished_at IS NOT NULL) = (state IN ('done', 'failed', 'cancelled'))));
CREATE UNIQUE INDEX instance_one_active ON leaf.instance (dedupe_key) WHERE finished_at IS NULL;
CREATE INDEX instance_by_subject ON leaf.instance (subject, id);

CREATE TABLE leaf.step (
  instance bigint NOT NULL REFERENCES leaf.instance,
  step text NOT NULL,
  position int NOT NULL,
  state text NOT NULL CHECK (state IN ('intent', 'acted', 'verified', 'failed', 'skipped', 'unknown', 'compensated')),
  idem_key text NOT NULL UNIQUE,
  attempts int NOT NULL DEFAULT 0,
  fence bigint NOT NULL,
  input jsonb NOT NULL DEFAULT '{}',
  before_image jsonb NOT NULL DEFAULT '{}',
  result jsonb NOT NULL DEFAULT '{}',
  message text NOT NULL DEFAULT '',
  started_at timestamptz NOT NULL DEFAULT now(),
  ended_at timestamptz,
  PRIMARY KEY (instance, step));

-- Append only; each row's hash covers the one before, so a changed or removed row shows.
CREATE TABLE leaf.event (
  seq bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  instance bigint NOT NULL REFERENCES leaf.instance,
  rev bigint NOT NULL,
  at text NOT NULL,
  actor text NOT NULL,
  kind text NOT NULL,
  body text NOT NULL,
  prev_hash text NOT NULL,
  hash text NOT NULL,
  UNIQUE (instance, rev));
CREATE FUNCTION leaf.refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'leaf.% is append only', TG_TABLE_NAME;
END $$;
CREATE TRIGGER event_append_only BEFORE UPDATE OR DELETE ON leaf.event FOR EACH ROW EXECUTE FUNCTION leaf.refuse_change();

-- One row for each unfinished run: when it is due and who holds it. Kept narrow: it is the hot table.
CREATE TABLE leaf.task (
  instance bigint PRIMARY KEY REFERENCES leaf.instance,
  run_at timestamptz NOT NULL DEFAULT now(),
  lease_owner text,
  lease_until timestamptz,
  fence bigint NOT NULL DEFAULT 0,
  woken boolean NOT NULL DEFAULT false) WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.02);
CREATE INDEX task_due ON leaf.task (run_at);
CREATE SEQUENCE leaf.fence;

CREATE TABLE leaf.timer (
  instance bigint NOT NULL REFERENCES leaf.instance,
  name text NOT NULL,
  fire_at timestamptz NOT NULL,
  fired boolean NOT NULL DEFAULT false,
  PRIMARY KEY (instance, name));
CREATE INDEX timer_due ON leaf.timer (fire_at) WHERE NOT fired;

CREATE TABLE leaf.signal (
  instance bigint NOT NULL REFERENCES leaf.instance,
  name text NOT NULL,
  dedupe text NOT NULL,
  body jsonb NOT NULL,
  at timestamptz NOT NULL DEFAULT now(),
  consumed_rev bigint,
  PRIMARY KEY (instance, name, dedupe));

CREATE TABLE leaf.lock (
  resource text PRIMARY KEY,
  instance bigint NOT NULL REFERENCES leaf.instance,
  fence bigint NOT NULL,
  reason text NOT NULL,
  until timestamptz NOT NULL);

-- Failure-domain budgets: scope "cluster:NAME", "rack:NAME", "power_feed:NAME". `cap` is what the last reservation read from the
-- configuration; a use is one member out of service because of us.
CREATE TABLE leaf.budget (
  scope text PRIMARY KEY,
  cap int NOT NULL CHECK (cap >= 0));
CREATE TABLE leaf.budget_use (
  scope text NOT NULL REFERENCES leaf.budget,
  instance bigint NOT NULL REFERENCES leaf.instance,
  node text NOT NULL,
  since timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (scope, instance));
-- Belt and braces below the engine's own check: no path may overbook a scope.
CREATE FUNCTION leaf.check_budget() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE limit_ int; used int;
BEGIN
  SELECT cap INTO limit_ FROM leaf.budget WHERE scope = NEW.scope FOR UPDATE;
  SELECT count(*) INTO used FROM leaf.budget_use WHERE scope = NEW.scope;
  IF used > limit_ THEN
    RAISE EXCEPTION 'budget % holds %, % asked', NEW.scope, limit_, used;
  END IF;
  RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER budget_never_over AFTER INSERT ON leaf.budget_use FOR EACH ROW EXECUTE FUNCTION leaf.check_budget();

-- A claim is active until cleared_at; the node keeps its effect until released_at, set by a verified return only.
CREATE TABLE leaf.claim (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  node text NOT NULL,
  state text NOT NULL CHECK (state IN ('standby', 'draining', 'quarantine', 'maintenance', 'retiring')),
  reason text NOT NULL CHECK (reason <> ''),
  category text NOT NULL,
  owner text NOT NULL CHECK (owner <> ''),
  ticket text,
  drain text NOT NULL DEFAULT 'full' CHECK (drain IN ('full', 'none')),
  not_before timestamptz,
  due boolean NOT NULL DEFAULT true,
  expires timestamptz,
  created_at timestamptz NOT NULL DEFAULT now(),
  cleared_at timestamptz,
  cleared_by text,
  released_at timestamptz,
  instance bigint REFERENCES leaf.instance,
  CHECK (released_at IS NULL OR cleared_at IS NOT NULL));
CREATE UNIQUE INDEX claim_key ON leaf.claim (node, state, reason, owner) WHERE cleared_at IS NULL;
CREATE INDEX claim_held ON leaf.claim (node) WHERE released_at IS NULL;

-- What has to become true elsewhere: one row for each node whose fragment sms/<node>.pan may differ from its claims. `generation`
-- moves with each claim change; `done` follows once the configuration database was read back.
CREATE TABLE leaf.outbox (
  target text PRIMARY KEY,
  idem_key text NOT NULL,
  generation bigint NOT NULL DEFAULT 1,
  done bigint NOT NULL DEFAULT 0,
  revision bigint,
  tries int NOT NULL DEFAULT 0,
  next_at timestamptz NOT NULL DEFAULT now(),
  lease_until timestamptz,
  fence bigint NOT NULL DEFAULT 0,
  error text NOT NULL DEFAULT '');

CREATE TABLE leaf.work_order (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  instance bigint NOT NULL REFERENCES leaf.instance,
  step text NOT NULL,
  rev int NOT NULL DEFAULT 1,
  kind text NOT NULL CHECK (kind IN ('work', 'decision')),
  state text NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'done', 'withdrawn')),
  node text NOT NULL,
  title text NOT NULL,
  asset jsonb NOT NULL,
  checklist jsonb NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  closed_at timestamptz,
  closed_by text,
  note text,
  UNIQUE (instance, step, rev));
CREATE UNIQUE INDEX work_order_one_open ON leaf.work_order (instance, step) WHERE state = 'open';

CREATE TABLE leaf.work_order_event (
  work_order bigint NOT NULL REFERENCES leaf.work_order,
  client_event text PRIMARY KEY,
  at timestamptz NOT NULL DEFAULT now(),
  who text NOT NULL,
  kind text NOT NULL,
  body jsonb NOT NULL);

-- The identity of each data directory as first seen: another or no identity later means a missing or swapped disk.
CREATE TABLE leaf.pool_directory (
  node text NOT NULL,
  fs text NOT NULL,
  identity text NOT NULL,
  first_seen timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (node, fs));
