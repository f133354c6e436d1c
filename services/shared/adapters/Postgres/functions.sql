-- append: the only writer of events (invariants 1 to 4 of events.sql). p_expected is the version the stream must have,
-- 0: must not exist, -1: whatever it has. Returns the new version. A lost race is EA409, 23505 or 40P01.
-- The stream row is locked first: whoever comes second waits here, then sees the new version and draws no number. "No key
-- update" is the lock that the update below takes anyway, and it lets foreign key checks pass. Marten's own default append
-- takes the two in the other order (events, then the stream row), so that both at once on one stream can deadlock; but
-- nobody else writes our streams, the statements of one function leave a window of microseconds, and the loser (40P01) is
-- mapped to a conflict and tried again. A burned number, in contrast, stalls every projection of Marten for seconds.
create or replace function {own}.append(
  p_stream varchar, p_type varchar, p_expected bigint,
  p_ids uuid[], p_names varchar[], p_dotnet varchar[], p_data text[],
  p_correlation varchar, p_causation varchar) returns bigint
language plpgsql as $body$
declare
  v bigint;
  archived bool;
  n int := cardinality(p_ids);
  at timestamptz := clock_timestamp();
begin
  select version, is_archived into v, archived from {events}.mt_streams where id = p_stream for no key update;
  if archived then
    raise exception 'stream % is archived', p_stream using errcode = 'MT001';
  end if;
  if p_expected >= 0 and coalesce(v, 0) <> p_expected then
    raise exception 'stream % is not at version %', p_stream, p_expected using errcode = 'EA409';
  end if;
  if v is null then
    insert into {events}.mt_streams (id, type, version, timestamp, created, tenant_id, is_archived)
    values (p_stream, p_type, n, at, at, '*DEFAULT*', false);
  end if;
  insert into {events}.mt_events (seq_id, id, stream_id, version, data, bdata, type, timestamp, tenant_id,
                                  mt_dotnet_type, correlation_id, causation_id, headers, is_archived)
  select nextval('{events}.mt_events_sequence'), p_ids[i], p_stream, coalesce(v, 0) + i, p_data[i]::jsonb, null,
         p_names[i], at, '*DEFAULT*', p_dotnet[i], p_correlation, p_causation, null, false
  from generate_series(1, n) as i order by i;
  if v is not null then
    update {events}.mt_streams set version = v + n, timestamp = at where id = p_stream;
  end if;
  return coalesce(v, 0) + n;
end $body$;

-- draw_position: the next place in the feed; the lock lasts until the transaction has ended (invariant 5 of own.sql).
create or replace function {own}.draw_position() returns bigint
language plpgsql as $body$
begin
  perform pg_advisory_xact_lock(hashtext('{own}.revocation'));
  return nextval('{own}.revocation_position');
end $body$;

-- announce: puts a row into the feed and wakes the readers.
create or replace function {own}.announce(
  p_position bigint, p_kind smallint, p_key uuid, p_stream varchar, p_event uuid) returns void
language plpgsql as $body$
begin
  insert into {own}.revocation (position, kind, key, stream_id, event_id, committed_at)
  values (p_position, p_kind, p_key, p_stream, p_event, clock_timestamp());
  perform pg_notify('{own}_revocations', p_position::text);
end $body$;

-- revoke: a revocation with its event, and with its logout token's memory when it has one. A token seen before changes
-- nothing and gives back its first position; the same jti with another content is EA400.
create or replace function {own}.revoke(
  p_kind smallint, p_key uuid, p_stream varchar, p_type varchar, p_event uuid, p_name varchar, p_dotnet varchar, p_data text,
  p_correlation varchar, p_causation varchar,
  p_token_key uuid, p_token_hash bytea, p_token_until timestamptz,
  out place bigint, out fresh bool)
language plpgsql as $body$
declare
  seen record;
begin
  if p_token_key is not null then
    insert into {own}.logout_token (key, token_hash, position, expires_at)
    values (p_token_key, p_token_hash, 0, p_token_until) on conflict do nothing;
    if not found then
      select t.token_hash, t.position into seen from {own}.logout_token t where t.key = p_token_key;
      if seen.token_hash <> p_token_hash then
        raise exception 'another token with this jti was seen' using errcode = 'EA400';
      end if;
      place := seen.position;
      fresh := false;
      return;
    end if;
  end if;
  place := {own}.draw_position();
  fresh := true;
  perform {own}.append(p_stream, p_type, -1, array[p_event], array[p_name], array[p_dotnet],
    array[(p_data::jsonb || jsonb_build_object('position', place, 'notBefore', clock_timestamp()))::text],
    p_correlation, p_causation);
  perform {own}.announce(place, p_kind, p_key, p_stream, p_event);
  update {own}.logout_token t set position = place where t.key = p_token_key;
end $body$;

-- reached: called by a replica after it has reported its position. Raises store.reached to what all replicas have applied
-- that were seen within p_alive (who was not has lost its lease), and tells of each revocation that thereby has arrived
-- everywhere: one replica learns of each, because the row's lock lets one look at a time, and who waited for it sees the
-- reports of those before.
create or replace function {own}.reached(p_alive interval) returns table (latency interval)
language plpgsql as $body$
declare
  before bigint;
  everywhere bigint;
begin
  select s.reached into before from {own}.store s for update;
  select min(r.applied_position) into everywhere from {own}.replica r where r.seen_at > clock_timestamp() - p_alive;
  if everywhere > before then
    update {own}.store s set reached = everywhere;
    return query select clock_timestamp() - r.committed_at from {own}.revocation r
      where r.position > before and r.position <= everywhere and r.kind <> 4 order by r.position;
  end if;
end $body$;

-- guard_login: a logout that overtook its own login still wins. EA410 when something of this login was revoked since.
create or replace function {own}.guard_login(p_position bigint, p_subject uuid, p_sid uuid) returns void
language plpgsql as $body$
begin
  if exists (select 1 from {own}.revocation r
             where r.position > p_position and r.kind <> 4
               and r.key in (p_subject, p_sid, '00000000-0000-0000-0000-000000000000')) then
    raise exception 'revoked while signing in' using errcode = 'EA410';
  end if;
end $body$;

-- trim_attempts: keeps at most p_keep pending logins of one browser, so that a loop cannot fill the table.
create or replace function {own}.trim_attempts(p_binding uuid, p_keep int) returns void
language sql as $body$
  delete from {own}.login_attempt where state_hash in (
    select state_hash from {own}.login_attempt where binding_hash = p_binding
    order by expires_at desc offset p_keep);
$body$;
