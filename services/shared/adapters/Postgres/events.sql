-- The event store in Marten 9's table format (string identity, correlation + causation + headers), so that a Marten
-- application can open the same database with AutoCreateSchemaObjects = AutoCreate.None. Nothing of ours is on these
-- tables. Invariants, kept by the one writer below (append in own.sql):
--   1. versions of a stream are 1..n without holes, and mt_streams.version is the last one;
--   2. seq_id comes from the sequence only, after the version check, so that lost races burn no numbers;
--   3. every column is written explicitly (Marten's own default for timestamp is a frozen constant);
--   4. the stream row exists before its events, and both are written in one transaction.
create schema if not exists {events};

create table if not exists {events}.mt_streams (
  id varchar not null constraint pkey_mt_streams_id primary key,
  type varchar null,
  version bigint null,
  timestamp timestamptz not null default now(),
  created timestamptz not null default now(),
  tenant_id varchar default '*DEFAULT*',
  is_archived bool default false);

create table if not exists {events}.mt_events (
  seq_id bigint not null constraint pkey_mt_events_seq_id primary key,
  id uuid not null,
  stream_id varchar,
  version bigint not null,
  data jsonb not null,
  bdata bytea,
  type varchar(500) not null,
  timestamp timestamptz not null default now(),
  tenant_id varchar default '*DEFAULT*',
  mt_dotnet_type varchar,
  correlation_id varchar,
  causation_id varchar,
  headers jsonb,
  is_archived bool default false,
  constraint fkey_mt_events_stream_id foreign key (stream_id) references {events}.mt_streams (id) on delete cascade);

create unique index if not exists pk_mt_events_stream_and_version on {events}.mt_events (stream_id, version);
create sequence if not exists {events}.mt_events_sequence owned by {events}.mt_events.seq_id;

create table if not exists {events}.mt_event_progression (
  name varchar not null constraint pk_mt_event_progression primary key,
  last_seq_id bigint,
  last_updated timestamptz default transaction_timestamp());

create table if not exists {events}.mt_high_water_skips (
  ending_sequence bigint not null constraint pkey_mt_high_water_skips_ending_sequence primary key,
  starting_sequence bigint not null,
  timestamp timestamptz default transaction_timestamp());
