-- Our own tables. session and revocation follow from the events; session_token holds secrets, encrypted; subject and
-- activity hold personal data and may be erased row by row; the rest is short-lived.
--
-- The feed (revocation): a position is drawn while the advisory lock is held and the lock is kept until the commit has
-- become visible, so commit order is position order and "position > last" misses nothing (invariant 5). Old rows are
-- deleted, but never the newest: the highest position must not go back.
create schema if not exists {own};

-- store.reached: the position up to which every replica that may let anybody in has applied the feed (function reached).
create table if not exists {own}.store (
  only_row bool primary key default true check (only_row),
  epoch uuid not null,
  reached bigint not null default 0);
-- A table of an earlier version; looked at first, because altering would wait for every reader of the feed.
do $body$ begin
  if not exists (select 1 from information_schema.columns
                 where table_schema = '{own}' and table_name = 'store' and column_name = 'reached') then
    alter table {own}.store add column reached bigint not null default 0;
    update {own}.store set reached = (select coalesce(max(position), 0) from {own}.revocation);
  end if;
end $body$;
insert into {own}.store (epoch) values (gen_random_uuid()) on conflict do nothing;

create sequence if not exists {own}.revocation_position;
create table if not exists {own}.revocation (
  position bigint primary key,
  kind smallint not null,
  key uuid not null,
  stream_id varchar not null,
  event_id uuid not null,
  committed_at timestamptz not null,
  claimed_until timestamptz,
  published_at timestamptz);
create index if not exists revocation_by_key on {own}.revocation (key, position);
create index if not exists revocation_to_publish on {own}.revocation (position) where published_at is null;

create table if not exists {own}.session (
  id uuid primary key,
  version bigint not null,
  subject_key uuid not null,
  sid_key uuid,
  issuer text not null,
  sub text not null,
  sid text,
  client_id text not null,
  groups text[] not null,
  roles text[] not null,
  position bigint not null,
  issued_at timestamptz not null,
  expires_at timestamptz not null,
  tokens_at timestamptz not null,
  access_expires_at timestamptz not null,
  refreshable bool not null,
  token_version int not null,
  ended_at timestamptz,
  end_reason text,
  verified_at timestamptz not null,
  next_check_at timestamptz not null,
  check_until timestamptz,
  resting bool not null default false,
  unanswered_at timestamptz);
-- A table of an earlier version, as above.
do $body$ begin
  if not exists (select 1 from information_schema.columns
                 where table_schema = '{own}' and table_name = 'session' and column_name = 'resting') then
    alter table {own}.session add column resting bool not null default false, add column unanswered_at timestamptz;
    drop index if exists {own}.session_due;
  end if;
end $body$;
create index if not exists session_by_subject on {own}.session (subject_key, issued_at desc);
create index if not exists session_live on {own}.session (id) where ended_at is null;
create index if not exists session_by_sid on {own}.session (sid_key) where sid_key is not null;
create index if not exists session_due_at on {own}.session (issuer, next_check_at) where ended_at is null;
create index if not exists session_expiring on {own}.session (expires_at) where ended_at is null;
create index if not exists session_by_issue on {own}.session (issued_at desc, id);
create index if not exists session_ended on {own}.session (ended_at) where ended_at is not null;

-- When the checks at an issuer that have been begun will have used up what the rate allows (DueSessions).
create table if not exists {own}.provider_pace (
  issuer text primary key,
  free_at timestamptz not null);

create table if not exists {own}.session_token (
  session_id uuid primary key,
  token_version int not null,
  key_id text not null,
  sealed bytea not null,
  refresh_issued_at timestamptz not null,
  lease_owner text,
  lease_until timestamptz,
  waiting bool not null default false,
  attempt int not null default 0,
  failed_attempt int,
  failure text);
-- A table of an earlier version, as above.
do $body$ begin
  if not exists (select 1 from information_schema.columns
                 where table_schema = '{own}' and table_name = 'session_token' and column_name = 'attempt') then
    alter table {own}.session_token add column attempt int not null default 0, add column failed_attempt int, add column failure text;
  end if;
end $body$;

create table if not exists {own}.subject (
  key uuid primary key,
  email text,
  name text,
  updated_at timestamptz not null);

create table if not exists {own}.activity (
  session_id uuid primary key,
  seen_at timestamptz not null,
  user_agent text);

create table if not exists {own}.login_attempt (
  state_hash uuid primary key,
  binding_hash uuid not null,
  key_id text not null,
  sealed bytea not null,
  position bigint not null,
  expires_at timestamptz not null);
create index if not exists login_attempt_by_browser on {own}.login_attempt (binding_hash, expires_at);
create index if not exists login_attempt_expiring on {own}.login_attempt (expires_at);

create table if not exists {own}.logout_token (
  key uuid primary key,
  token_hash bytea not null,
  position bigint not null,
  expires_at timestamptz not null);
create index if not exists logout_token_expiring on {own}.logout_token (expires_at);

create table if not exists {own}.replica (
  instance text primary key,
  applied_position bigint not null,
  applied_at timestamptz not null,
  seen_at timestamptz not null);
