using EventAuth.Adapters.Sessions;
using EventAuth.Contracts;

namespace EventAuth.Adapters.Postgres;

/// <summary>A session whose IdP is to be asked, ours until the lease ends.</summary>
public sealed record DueSession(
    SessionId Id,
    Subject Subject,
    int TokenVersion,
    bool Refreshable,
    DateTimeOffset AccessExpiresAt,
    IReadOnlyList<string> Groups,
    IReadOnlyList<string> Roles,
    DateTimeOffset VerifiedAt,
    DateTimeOffset LeaseUntil);

/// <summary>How far behind the checks are.</summary>
/// <param name="Due">Sessions whose time has come; counted up to a limit.</param>
/// <param name="OldestVerifiedAt">Of the next thousand in line; null when there is no session.</param>
public sealed record DueFigures(long Due, DateTimeOffset? OldestVerifiedAt);

/// <summary>
/// Hands out sessions that are due, each to one process at a time: the lease is a time on the session's row, by the
/// database's clock, so that a crashed process loses it by itself. Dead sessions are never handed out, so that their
/// refresh tokens are not used any more.
/// </summary>
public sealed class DueSessions(Database database)
{
    private const int CountLimit = 100_000;

    // The window is wider than the batch: a subject with many sessions gets one place in it, not all.
    private const int WindowFactor = 4;

    private const string ClaimSql = """
        with due as materialized (
          select s.id, s.subject_key, s.next_check_at from {own}.session s
          where s.ended_at is null and s.next_check_at <= $1 and s.expires_at > $1
            and (s.check_until is null or s.check_until < clock_timestamp())
            and s.subject_key <> all($2)
            and not exists (
              select 1 from {own}.revocation r where r.kind <> 4 and r.position > s.position
                and r.key in (s.id, s.subject_key, s.sid_key, '00000000-0000-0000-0000-000000000000'))
          order by s.next_check_at limit $3),
        one as (
          select id from (select distinct on (subject_key) id, next_check_at from due order by subject_key, next_check_at) d
          order by next_check_at limit $4),
        taken as (
          select s.id from {own}.session s join one on one.id = s.id
          where s.ended_at is null and (s.check_until is null or s.check_until < clock_timestamp())
          for update of s skip locked)
        update {own}.session s set check_until = clock_timestamp() + $5 from taken where s.id = taken.id
        returning s.id, s.issuer, s.sub, s.token_version, s.refreshable, s.access_expires_at, s.groups, s.roles,
          s.verified_at, s.check_until
        """;

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

    /// <summary>Takes sessions that are due, of each subject one.</summary>
    /// <param name="busy">Subjects that this process is asking about already.</param>
    public Task<IReadOnlyList<DueSession>> ClaimAsync(
        DateTimeOffset now, IReadOnlyCollection<SubjectKey> busy, int limit, TimeSpan lease, CancellationToken ct) =>
        PostgresErrors.MapAsync<IReadOnlyList<DueSession>>("due", async () =>
        {
            await using var command = database.Command(ClaimSql,
                now, busy.Select(s => s.Value).ToArray(), limit * WindowFactor, limit, lease);
            await using var reader = await command.ExecuteReaderAsync(ct);
            var rows = new List<DueSession>();
            while (await reader.ReadAsync(ct))
            {
                rows.Add(new DueSession(new SessionId(reader.GetGuid(0)), new Subject(reader.GetString(1), reader.GetString(2)),
                    reader.GetInt32(3), reader.GetBoolean(4), reader.GetFieldValue<DateTimeOffset>(5),
                    reader.GetFieldValue<string[]>(6), reader.GetFieldValue<string[]>(7),
                    reader.GetFieldValue<DateTimeOffset>(8), reader.GetFieldValue<DateTimeOffset>(9)));
            }

            return rows;
        }, ct);

    /// <summary>Gives a session back until its next check.</summary>
    /// <param name="verifiedAt">When the IdP stood by it; null when it did not.</param>
    /// <param name="person">What the IdP told of the person: null did not come up and stays, empty is gone.</param>
    public Task CompleteAsync(
        DueSession session, DateTimeOffset nextCheckAt, DateTimeOffset? verifiedAt, PersonalData? person, CancellationToken ct) =>
        PostgresErrors.MapAsync("due", async () =>
        {
            await using var batch = database.Source.CreateBatch();
            batch.BatchCommands.Add(database.Part("""
                update {own}.session set next_check_at = $2, verified_at = coalesce($3::timestamptz, verified_at),
                  check_until = case when check_until = $4 then null else check_until end
                where id = $1 and ended_at is null
                """, session.Id.Value, nextCheckAt, verifiedAt, session.LeaseUntil));
            if (person is { } p && (p.Email is not null || p.Name is not null))
            {
                batch.BatchCommands.Add(database.Part(SavePersonSql, session.Subject.Key.Value, p.Email, p.Name));
            }

            return await batch.ExecuteNonQueryAsync(ct);
        }, ct);

    /// <summary>How far behind the checks are.</summary>
    public Task<DueFigures> FiguresAsync(DateTimeOffset now, CancellationToken ct) => PostgresErrors.MapAsync("due", async () =>
    {
        await using var command = database.Command("""
            select (select count(*) from (select 1 from {own}.session where ended_at is null and next_check_at <= $1 limit $2) d),
              (select min(verified_at) from (
                 select verified_at from {own}.session where ended_at is null order by next_check_at limit 1000) n)
            """, now, CountLimit);
        await using var reader = await command.ExecuteReaderAsync(ct);
        await reader.ReadAsync(ct);
        return new DueFigures(reader.GetInt64(0), reader.IsDBNull(1) ? null : reader.GetFieldValue<DateTimeOffset>(1));
    }, ct);
}
