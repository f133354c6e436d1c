using EventAuth.Adapters.Sessions;
using EventAuth.Contracts;
using Npgsql;

namespace EventAuth.Adapters.Postgres;

/// <summary>A session whose IdP is to be asked, ours until the lease ends.</summary>
/// <param name="UnansweredAt">When the IdP first did not answer about it, since it last stood by it.</param>
public sealed record DueSession(
    SessionId Id,
    Subject Subject,
    int TokenVersion,
    bool Refreshable,
    DateTimeOffset AccessExpiresAt,
    IReadOnlyList<string> Groups,
    IReadOnlyList<string> Roles,
    DateTimeOffset VerifiedAt,
    DateTimeOffset? UnansweredAt,
    DateTimeOffset LeaseUntil);

/// <summary>Whose sessions are wanted, and how many.</summary>
/// <param name="Busy">Subjects that this process is asking about already.</param>
/// <param name="Rate">Checks begun in any second, over all processes; 0: no limit.</param>
public sealed record DueQuery(
    string Issuer, DateTimeOffset Now, IReadOnlyCollection<SubjectKey> Busy, int Limit, TimeSpan Lease, int Rate);

/// <summary>Sessions that were claimed.</summary>
/// <param name="AtRate">As many as the rate allowed: there may be more.</param>
public sealed record DueClaim(IReadOnlyList<DueSession> Sessions, bool AtRate);

/// <summary>What became of a check.</summary>
/// <param name="NextCheckAt">The next one of a session in use.</param>
/// <param name="RestedCheckAt">The next one of a session that nobody has used since its last; null: the same.</param>
/// <param name="Answered">The IdP stood by it (true), did not answer (false), or neither.</param>
/// <param name="Person">What the IdP told of the person: null did not come up and stays, empty is gone.</param>
public sealed record CheckRecord(
    DateTimeOffset At, DateTimeOffset NextCheckAt, DateTimeOffset? RestedCheckAt, bool? Answered, PersonalData? Person);

/// <summary>
/// Hands out sessions that are due, each to one process at a time.
///   1. The lease is a time on the session's row, by the database's clock, so that a crashed process loses it by itself.
///   2. Dead sessions are never handed out, so that their refresh tokens are not used any more; nor are sessions of a subject
///      that somebody asks about.
///   3. The rate of an issuer is a row by the same clock, locked while sessions are claimed, so that all processes together
///      keep it without knowing of each other. What was not used is lost but for a fifth of a second; to have the rate in
///      no second exceeded, tokens come at five sixths of it.
///   4. A session that nobody has used since its last check rests: it is due later, or soon after it is used again.
/// </summary>
public sealed class DueSessions(Database database)
{
    // The window is wider than the batch: a subject with many sessions gets one place in it, not all.
    private const int WindowFactor = 4;

    // Activity is written in whole seconds, and a refresh that counts as a check ends after the request that began it.
    private static readonly TimeSpan ActivitySlack = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan Burst = TimeSpan.FromSeconds(0.2);

    // What "due" has seen may be old by the time the pace is ours: "taken" looks at the rows as they are then.
    private const string ClaimSql = """
        with mine as materialized (
          select free_at, clock_timestamp() as at from {own}.provider_pace where issuer = $6 for update),
        pace as materialized (
          select at, greatest(free_at, at - $7) as free_at,
            floor(extract(epoch from at - greatest(free_at, at - $7)) / extract(epoch from $8) + 0.001)::int as free from mine),
        room as materialized (select least($4, coalesce((select free from pace), $4)) as n),
        due as materialized (
          select s.id, s.subject_key, s.next_check_at from {own}.session s
          where s.ended_at is null and s.issuer = $6 and s.next_check_at <= $1 and s.expires_at > $1 and (select n from room) > 0
            and (s.check_until is null or s.check_until < clock_timestamp())
            and s.subject_key <> all($2)
            and not exists (
              select 1 from {own}.revocation r where r.kind <> 4 and r.position > s.position
                and r.key in (s.id, s.subject_key, s.sid_key, '00000000-0000-0000-0000-000000000000'))
            and not exists (
              select 1 from {own}.session o where o.subject_key = s.subject_key and o.ended_at is null
                and o.check_until > clock_timestamp())
          order by s.next_check_at limit $3),
        one as (
          select id from (select distinct on (subject_key) id, next_check_at from due order by subject_key, next_check_at) d
          order by next_check_at limit (select n from room)),
        taken as (
          select s.id from {own}.session s join one on one.id = s.id
          where s.ended_at is null and s.next_check_at <= $1 and (s.check_until is null or s.check_until < clock_timestamp())
          for update of s skip locked),
        leased as (
          update {own}.session s set check_until = coalesce((select at from pace), clock_timestamp()) + $5 from taken where s.id = taken.id
          returning s.id, s.issuer, s.sub, s.token_version, s.refreshable, s.access_expires_at, s.groups, s.roles,
            s.verified_at, s.unanswered_at, s.check_until),
        paid as (
          update {own}.provider_pace p set free_at = pace.free_at + $8 * (select count(*) from leased)
          from pace where p.issuer = $6 and exists (select 1 from leased))
        select room.n, leased.* from room left join leased on true
        """;

    // Without a limit the row is not looked for, as if it had never been made.
    private static readonly string ClaimFreelySql = ClaimSql.Replace("where issuer = $6 for update", "where false", StringComparison.Ordinal);

    // A change is put into the feed for each live session of the subject, so that gateways read it again; last in the
    // transaction, because the feed's lock is held from here to the commit.
    private const string SavePersonSql = """
        with changed as (
          insert into {own}.subject as p (key, email, name, updated_at)
          select $1, nullif($2::text, ''), nullif($3::text, ''), clock_timestamp()
          where $2 <> '' or $3 <> '' or exists (select 1 from {own}.subject where key = $1)
          on conflict (key) do update set email = case when $2 is null then p.email else excluded.email end,
            name = case when $3 is null then p.name else excluded.name end, updated_at = excluded.updated_at
          where ($2 is not null and p.email is distinct from excluded.email)
            or ($3 is not null and p.name is distinct from excluded.name)
          returning key),
        told as (
          select s.id, e.stream_id, e.id as event_id from changed join {own}.session s on s.subject_key = changed.key
          cross join lateral (select stream_id, id from {events}.mt_events
            where stream_id = 'session-' || replace(s.id::text, '-', '') order by version desc limit 1) e
          where s.ended_at is null)
        select {own}.announce({own}.draw_position(), 4::smallint, id, stream_id, event_id) from told
        """;

    /// <summary>Takes sessions that are due, of each subject one, the longest due first.</summary>
    public Task<DueClaim> ClaimAsync(DueQuery query, CancellationToken ct) => PostgresErrors.MapAsync("due", async () =>
    {
        await using var batch = database.Source.CreateBatch();
        if (query.Rate > 0)
        {
            batch.BatchCommands.Add(database.Part("""
                insert into {own}.provider_pace (issuer, free_at) select $1, clock_timestamp()
                where not exists (select 1 from {own}.provider_pace where issuer = $1) on conflict do nothing
                """, query.Issuer));
        }

        var step = Step(query.Rate);
        batch.BatchCommands.Add(database.Part(query.Rate > 0 ? ClaimSql : ClaimFreelySql, query.Now, query.Busy.Select(s => s.Value).ToArray(),
            query.Limit * WindowFactor, query.Limit, query.Lease, query.Issuer, step > Burst ? step : Burst, step));
        await using var reader = await batch.ExecuteReaderAsync(ct);
        var rows = new List<DueSession>();
        var room = query.Limit;
        while (await reader.ReadAsync(ct))
        {
            room = reader.GetInt32(0);
            if (!reader.IsDBNull(1))
            {
                rows.Add(Read(reader));
            }
        }

        return new DueClaim(rows, room < query.Limit && rows.Count == room);
    }, ct);

    /// <summary>Gives a session back until its next check; nothing when somebody else has it by now.</summary>
    public Task CompleteAsync(DueSession session, CheckRecord record, CancellationToken ct) =>
        PostgresErrors.MapAsync("due", async () =>
        {
            await using var batch = database.Source.CreateBatch();
            batch.BatchCommands.Add(database.Part("""
                with seen as (
                  select $3::timestamptz is not null and coalesce(a.seen_at, i.issued_at) < $4 as rests
                  from {own}.session i left join {own}.activity a on a.session_id = i.id where i.id = $1)
                update {own}.session s set resting = seen.rests, next_check_at = case when seen.rests then $3 else $2 end,
                  verified_at = case when $5 is true then greatest(s.verified_at, $6) else s.verified_at end,
                  unanswered_at = case when $5 is true then null when $5 is false then coalesce(s.unanswered_at, $6) else s.unanswered_at end,
                  check_until = null
                from seen where s.id = $1 and s.ended_at is null and s.check_until = $7
                """, session.Id.Value, record.NextCheckAt, record.RestedCheckAt, session.VerifiedAt - ActivitySlack, Flag(record.Answered),
                record.At, session.LeaseUntil));
            if (record.Person is { } p && (p.Email is not null || p.Name is not null))
            {
                batch.BatchCommands.Add(database.Part(SavePersonSql, session.Subject.Key.Value, p.Email, p.Name));
            }

            return await batch.ExecuteNonQueryAsync(ct);
        }, ct);

    /// <summary>Gives a session back unchecked: it is due for whoever comes next.</summary>
    public Task ReleaseAsync(DueSession session, CancellationToken ct) => PostgresErrors.MapAsync("due", async () =>
    {
        await using var command = database.Command(
            "update {own}.session set check_until = null where id = $1 and check_until = $2", session.Id.Value, session.LeaseUntil);
        return await command.ExecuteNonQueryAsync(ct);
    }, ct);

    /// <summary>
    /// Makes live sessions due now, some of them, in the order of their ids; continue after what comes back, until it is null.
    /// </summary>
    public Task<Guid?> MakeDueAsync(Guid after, int limit, CancellationToken ct) => PostgresErrors.MapAsync("due", async () =>
    {
        await using var command = database.Command("""
            with slice as (select id from {own}.session where id > $1 order by id limit $2),
            made as (
              update {own}.session s set next_check_at = clock_timestamp(), check_until = null from slice
              where s.id = slice.id and s.ended_at is null and (s.next_check_at > clock_timestamp() or s.check_until is not null))
            select case when count(*) = $2 then (select id from slice order by id desc limit 1) end from slice
            """, after, limit);
        return await command.ExecuteScalarAsync(ct) as Guid?;
    }, ct);

    // One token; the rate is reached in a second that begins with a full bucket.
    private static TimeSpan Step(int rate) => rate > 0 ? (TimeSpan.FromSeconds(1) + Burst) / rate : Burst;

    private static object? Flag(bool? value) => value is { } flag ? flag : null;

    private static DueSession Read(NpgsqlDataReader r) => new(
        new SessionId(r.GetGuid(1)), new Subject(r.GetString(2), r.GetString(3)), r.GetInt32(4), r.GetBoolean(5),
        r.GetFieldValue<DateTimeOffset>(6), r.GetFieldValue<string[]>(7), r.GetFieldValue<string[]>(8),
        r.GetFieldValue<DateTimeOffset>(9), r.IsDBNull(10) ? null : r.GetFieldValue<DateTimeOffset>(10), r.GetFieldValue<DateTimeOffset>(11));
}
