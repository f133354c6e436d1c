using EventAuth.Contracts;
using Npgsql;

namespace EventAuth.Adapters.Postgres;

/// <summary>One read of the feed.</summary>
/// <param name="Epoch">Made when the tables were made: another one means another database, a restored backup for example.</param>
/// <param name="Head">Highest position of the store at the time of reading.</param>
/// <param name="HeadEvent">The event behind it; null when the feed is empty.</param>
/// <param name="AppliedEvent">The event behind the position that the reader had applied; null when nothing is there.</param>
/// <param name="LastEvent">The event behind the last row of this page.</param>
/// <param name="Reached">Position up to which every replica has applied the feed, as far as is known.</param>
public sealed record FeedPage(
    Guid Epoch, long Head, Guid? HeadEvent, Guid? AppliedEvent, DateTimeOffset StoreTime, IReadOnlyList<Revocation> Rows, Guid? LastEvent,
    long Reached);

/// <summary>
/// Revocations after a position. Positions are drawn under a lock that lasts until the commit is visible (own.sql,
/// invariant 5), so "after the last one" misses nothing, whatever other transactions are open.
/// </summary>
public sealed class RevocationFeed(Database database)
{
    /// <summary>Rows of one page; a full page means there may be more.</summary>
    public const int PageSize = 5000;

    // A replica that has just started begins behind the last row before the horizon, found from the newest end of the index:
    // older rows are not even looked at.
    private static readonly string PageSql = $$"""
        select position, kind, key, committed_at, event_id from {own}.revocation
        where committed_at > clock_timestamp() - $2 and position > case when $1 > 0 then $1 else
          coalesce((select max(position) from {own}.revocation where committed_at <= clock_timestamp() - $2), 0) end
        order by position limit {{PageSize}}
        """;

    /// <summary>Reads on, and tells the store in the same round trip what this replica had applied before.</summary>
    /// <param name="horizon">Older revocations are left out: nothing that they could hit still lives.</param>
    public Task<FeedPage> ReadAsync(string instance, long applied, TimeSpan horizon, CancellationToken ct) =>
        PostgresErrors.MapAsync("feed", async () =>
        {
            await using var batch = database.FeedSource.CreateBatch();
            batch.BatchCommands.Add(database.Part("""
                select epoch, clock_timestamp(), coalesce(head.position, 0), head.event_id,
                  (select event_id from {own}.revocation where position = $1), reached
                from {own}.store left join (select position, event_id from {own}.revocation order by position desc limit 1) head on true
                """, applied));
            batch.BatchCommands.Add(database.Part(PageSql, applied, horizon));
            batch.BatchCommands.Add(ReplicaSeen(instance, applied));
            await using var reader = await batch.ExecuteReaderAsync(ct);
            await reader.ReadAsync(ct);
            var (epoch, time, head) = (reader.GetGuid(0), reader.GetFieldValue<DateTimeOffset>(1), reader.GetInt64(2));
            var (headEvent, appliedEvent) = (EventOf(reader, 3), EventOf(reader, 4));
            var reached = reader.GetInt64(5);
            await reader.NextResultAsync(ct);
            var rows = new List<Revocation>();
            Guid? lastEvent = null;
            while (await reader.ReadAsync(ct))
            {
                rows.Add(new Revocation(reader.GetInt64(0), (RevocationKind)reader.GetInt16(1), reader.GetGuid(2),
                    reader.GetFieldValue<DateTimeOffset>(3)));
                lastEvent = reader.GetGuid(4);
            }

            return new FeedPage(epoch, head, headEvent, appliedEvent, time, rows, lastEvent, reached);
        }, ct);

    /// <summary>
    /// Tells the store what this replica has applied, and finds out which revocations thereby have arrived at every replica:
    /// how long each took from its commit, on the store's clock. Of all replicas, one learns of each.
    /// </summary>
    /// <param name="alive">Replicas that were not seen for so long don't count.</param>
    public Task<IReadOnlyList<TimeSpan>> ReportAsync(string instance, long applied, TimeSpan alive, CancellationToken ct) =>
        PostgresErrors.MapAsync<IReadOnlyList<TimeSpan>>("feed", async () =>
        {
            await using var batch = database.FeedSource.CreateBatch();
            batch.BatchCommands.Add(ReplicaSeen(instance, applied));
            batch.BatchCommands.Add(database.Part("select latency from {own}.reached($1)", alive));
            await using var reader = await batch.ExecuteReaderAsync(ct);
            var latencies = new List<TimeSpan>();
            while (await reader.ReadAsync(ct))
            {
                latencies.Add(reader.GetTimeSpan(0));
            }

            return latencies;
        }, ct);

    private static Guid? EventOf(NpgsqlDataReader reader, int i) => reader.IsDBNull(i) ? null : reader.GetGuid(i);

    private NpgsqlBatchCommand ReplicaSeen(string instance, long applied) => database.Part("""
        insert into {own}.replica (instance, applied_position, applied_at, seen_at)
        values ($1, $2, clock_timestamp(), clock_timestamp())
        on conflict (instance) do update set seen_at = clock_timestamp(), applied_position = $2,
          applied_at = case when replica.applied_position = $2 then replica.applied_at else clock_timestamp() end
        """, instance, applied);
}
