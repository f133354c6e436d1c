using EventAuth.Contracts;

namespace EventAuth.Adapters.Postgres;

/// <summary>A session that the feed has killed while its stream does not say so yet.</summary>
/// <param name="EventId">The event that killed it; empty when it cannot be found.</param>
public sealed record CondemnedSession(
    SessionId Id, Guid? EventId, EndReason Reason, string? Cause, string? Actor, string? CorrelationId);

/// <summary>A stretch of the feed.</summary>
/// <param name="Last">Position of its last row; where it began when there is none.</param>
/// <param name="Settled">Position of its last row that no login in flight can be older than; null when there is none.</param>
public sealed record FeedStretch(long Last, long? Settled, bool Full);

/// <summary>A few rows of a long walk; continue after <paramref name="Last"/>, which is null at the end.</summary>
public sealed record Slice(Guid? Last, IReadOnlyList<SessionId> Found);

/// <summary>Finds what has to be tidied, always a bounded number of rows at once. Deletes only what has expired.</summary>
public sealed class Sweeps(Database database)
{
    // A deleted logout token could be played again, if it were not refused for its age by then.
    private static readonly TimeSpan TokenSlack = TimeSpan.FromMinutes(5);

    // Longer than any session lives and any reader of the feed looks back.
    private static readonly TimeSpan FeedSlack = TimeSpan.FromDays(1);
    private static readonly TimeSpan SessionKept = TimeSpan.FromDays(30);
    private static readonly TimeSpan ReplicaKept = TimeSpan.FromDays(1);

    // Each arm is a lookup per feed row: "offset 0" keeps the planner from scanning all sessions instead. The arm of
    // everybody walks along the ids and stops after a batch: whoever is among the first of all is among its first too.
    private const string CondemnedSql = """
        with feed as (
          select position, key, stream_id, event_id from {own}.revocation
          where position > $1 and position <= $2 and kind <> 4),
        hit as (
          select s.id, f.position, f.stream_id, f.event_id from feed f cross join lateral (
            select id from {own}.session where subject_key = f.key and ended_at is null and position < f.position and id > $3
            offset 0) s
          union all
          select s.id, f.position, f.stream_id, f.event_id from feed f cross join lateral (
            select id from {own}.session where sid_key = f.key and ended_at is null and position < f.position and id > $3
            offset 0) s
          union all
          select s.id, f.position, f.stream_id, f.event_id from feed f cross join lateral (
            select id from {own}.session where id = f.key and ended_at is null and position < f.position and id > $3
            offset 0) s
          union all
          select s.id, f.position, f.stream_id, f.event_id from feed f cross join lateral (
            select id from {own}.session
            where f.key = '00000000-0000-0000-0000-000000000000' and ended_at is null and position < f.position and id > $3
            order by id limit $4) s),
        first as (select distinct on (id) id, stream_id, event_id from hit order by id, position limit $4)
        select first.id, e.id, e.data->>'reason', e.data->>'cause', e.data->>'actor', e.correlation_id
        from first left join {events}.mt_events e on e.stream_id = first.stream_id and e.id = first.event_id
        order by first.id
        """;

    /// <summary>Where a sweep that has just started begins: what is older can hit no living session.</summary>
    public Task<long> StartAsync(TimeSpan horizon, CancellationToken ct) => PostgresErrors.MapAsync("sweep", async () =>
    {
        await using var command = database.Command(
            "select coalesce(max(position), 0) from {own}.revocation where committed_at < clock_timestamp() - $1", horizon);
        return (long)(await command.ExecuteScalarAsync(ct))!;
    }, ct);

    /// <summary>Position of the newest row; lower than before when the store lost some.</summary>
    public Task<long> HeadAsync(CancellationToken ct) => PostgresErrors.MapAsync("sweep", async () =>
    {
        await using var command = database.Command("select coalesce(max(position), 0) from {own}.revocation");
        return (long)(await command.ExecuteScalarAsync(ct))!;
    }, ct);

    /// <summary>The next rows of the feed.</summary>
    public Task<FeedStretch> NextAsync(long after, TimeSpan settling, int limit, CancellationToken ct) =>
        PostgresErrors.MapAsync("sweep", async () =>
        {
            await using var command = database.Command("""
                select coalesce(max(position), $1), count(*), max(position) filter (where committed_at < clock_timestamp() - $2)
                from (select position, committed_at from {own}.revocation where position > $1 order by position limit $3) f
                """, after, settling, limit);
            await using var reader = await command.ExecuteReaderAsync(ct);
            await reader.ReadAsync(ct);
            return new FeedStretch(reader.GetInt64(0), reader.IsDBNull(2) ? null : reader.GetInt64(2), reader.GetInt64(1) == limit);
        }, ct);

    /// <summary>Sessions that a stretch of the feed killed, in the order of their ids.</summary>
    public Task<IReadOnlyList<CondemnedSession>> CondemnedAsync(
        long after, long upTo, Guid afterId, int limit, CancellationToken ct) =>
        PostgresErrors.MapAsync<IReadOnlyList<CondemnedSession>>("sweep", async () =>
        {
            await using var command = database.Command(CondemnedSql, after, upTo, afterId, limit);
            await using var reader = await command.ExecuteReaderAsync(ct);
            var rows = new List<CondemnedSession>();
            while (await reader.ReadAsync(ct))
            {
                string? Text(int i) => reader.IsDBNull(i) ? null : reader.GetString(i);
                rows.Add(new CondemnedSession(new SessionId(reader.GetGuid(0)), reader.IsDBNull(1) ? null : reader.GetGuid(1),
                    Enum.TryParse<EndReason>(Text(2), out var reason) ? reason : EndReason.Unspecified, Text(3), Text(4), Text(5)));
            }

            return rows;
        }, ct);

    /// <summary>Sessions past their absolute end, the longest first.</summary>
    public Task<IReadOnlyList<SessionId>> ExpiredAsync(DateTimeOffset now, int limit, CancellationToken ct) =>
        PostgresErrors.MapAsync<IReadOnlyList<SessionId>>("sweep", async () =>
        {
            await using var command = database.Command("""
                select id from {own}.session where ended_at is null and expires_at <= $1 order by expires_at limit $2
                """, now, limit);
            await using var reader = await command.ExecuteReaderAsync(ct);
            var ids = new List<SessionId>();
            while (await reader.ReadAsync(ct))
            {
                ids.Add(new SessionId(reader.GetGuid(0)));
            }

            return ids;
        }, ct);

    /// <summary>A slice of all sessions, and those in it that nobody has used since <paramref name="before"/>.</summary>
    public Task<Slice> IdleAsync(Guid after, DateTimeOffset before, int limit, CancellationToken ct) =>
        PostgresErrors.MapAsync("sweep", async () =>
        {
            await using var command = database.Command("""
                select s.id, s.ended_at is null and s.issued_at < $2 and coalesce(a.seen_at < $2, true)
                from (select id, ended_at, issued_at from {own}.session where id > $1 order by id limit $3) s
                left join {own}.activity a on a.session_id = s.id order by s.id
                """, after, before, limit);
            await using var reader = await command.ExecuteReaderAsync(ct);
            Guid? last = null;
            var idle = new List<SessionId>();
            while (await reader.ReadAsync(ct))
            {
                last = reader.GetGuid(0);
                if (reader.GetBoolean(1))
                {
                    idle.Add(new SessionId(last.Value));
                }
            }

            return new Slice(last, idle);
        }, ct);

    /// <summary>
    /// Deletes what has served: pending logins, memories of logout tokens, revocations that can hit no session any more (but
    /// not the newest, invariant 5 of own.sql, nor the one before it while a replica may stand there), sessions long ended and replicas long gone. Events stay. Marks in the outbox
    /// what is too old to be published, for nobody else does where there is no broker.
    /// </summary>
    public async Task TidyAsync(DateTimeOffset now, TimeSpan longestLife, int limit, CancellationToken ct)
    {
        await RepeatAsync("""
            delete from {own}.login_attempt where state_hash in (
              select state_hash from {own}.login_attempt where expires_at < $1 order by expires_at limit $2)
            """, now, limit, ct);
        await RepeatAsync("""
            delete from {own}.logout_token where key in (
              select key from {own}.logout_token where expires_at < $1 order by expires_at limit $2)
            """, now - TokenSlack, limit, ct);
        await RepeatAsync("""
            delete from {own}.session where id in (
              select id from {own}.session where ended_at < $1 order by ended_at limit $2)
            """, now - SessionKept, limit, ct);
        await RepeatAsync("""
            update {own}.revocation set published_at = clock_timestamp() where position in (
              select position from (select position, committed_at from {own}.revocation
                where published_at is null order by position limit $2) oldest
              where committed_at < clock_timestamp() - $1)
            """, Outbox.Useful, limit, ct);
        await RepeatAsync("""
            delete from {own}.revocation where position < (
                select max(position) from {own}.revocation where committed_at < clock_timestamp() - interval '1 day') and position in (
              select position from (select position, committed_at from {own}.revocation order by position limit $2) oldest
              where committed_at < clock_timestamp() - $1)
            """, longestLife + FeedSlack, limit, ct);
        await RepeatAsync("""
            delete from {own}.replica where instance in (
              select instance from {own}.replica where seen_at < clock_timestamp() - $1 limit $2)
            """, ReplicaKept, limit, ct);
    }

    /// <summary>Deletes, in a slice of all activity, that of sessions that ended before; gives back where the slice ended.</summary>
    public Task<Guid?> ForgetActivityAsync(Guid after, DateTimeOffset endedBefore, int limit, CancellationToken ct) =>
        PostgresErrors.MapAsync("sweep", async () =>
        {
            await using var command = database.Command("""
                with slice as (
                  select session_id from {own}.activity where session_id > $1 order by session_id limit $3),
                gone as (
                  delete from {own}.activity a using slice, {own}.session s
                  where a.session_id = slice.session_id and s.id = a.session_id and s.ended_at < $2)
                select session_id from slice order by session_id desc limit 1
                """, after, endedBefore, limit);
            return (Guid?)await command.ExecuteScalarAsync(ct);
        }, ct);

    // Batch by batch, each short enough for the limit on a statement, until one is not full.
    private async Task RepeatAsync(string sql, object before, int limit, CancellationToken ct)
    {
        int count;
        do
        {
            count = await PostgresErrors.MapAsync("sweep", async () =>
            {
                await using var command = database.Command(sql, before, limit);
                return await command.ExecuteNonQueryAsync(ct);
            }, ct);
        }
        while (count == limit);
    }
}
