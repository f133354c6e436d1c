using EventAuth.Contracts;
using Npgsql;

namespace EventAuth.Adapters.Postgres;

/// <summary>One read of the feed.</summary>
/// <param name="Epoch">Made when the tables were made: another one means another database, a restored backup for example.</param>
/// <param name="Head">Highest position of the store at the time of reading.</param>
public sealed record FeedPage(Guid Epoch, long Head, DateTimeOffset StoreTime, IReadOnlyList<Revocation> Rows);

/// <summary>
/// Revocations after a position. Positions are drawn under a lock that lasts until the commit is visible (own.sql,
/// invariant 5), so "after the last one" misses nothing, whatever other transactions are open.
/// </summary>
public sealed class RevocationFeed(Database database)
{
    /// <summary>Rows of one page; a full page means there may be more.</summary>
    public const int PageSize = 5000;

    /// <summary>Reads on, and tells the store in the same round trip what this replica had applied before.</summary>
    /// <param name="horizon">Older revocations are left out: nothing that they could hit still lives.</param>
    public Task<FeedPage> ReadAsync(string instance, long applied, TimeSpan horizon, CancellationToken ct) =>
        PostgresErrors.MapAsync("feed", async () =>
        {
            await using var batch = database.Source.CreateBatch();
            batch.BatchCommands.Add(database.Part("""
                select epoch, (select coalesce(max(position), 0) from {own}.revocation), clock_timestamp() from {own}.store
                """));
            batch.BatchCommands.Add(database.Part($$"""
                select position, kind, key, committed_at from {own}.revocation
                where position > $1 and committed_at > clock_timestamp() - $2 order by position limit {{PageSize}}
                """, applied, horizon));
            batch.BatchCommands.Add(ReplicaSeen(instance, applied));
            await using var reader = await batch.ExecuteReaderAsync(ct);
            await reader.ReadAsync(ct);
            var (epoch, head, time) = (reader.GetGuid(0), reader.GetInt64(1), reader.GetFieldValue<DateTimeOffset>(2));
            await reader.NextResultAsync(ct);
            var rows = new List<Revocation>();
            while (await reader.ReadAsync(ct))
            {
                rows.Add(new Revocation(reader.GetInt64(0), (RevocationKind)reader.GetInt16(1), reader.GetGuid(2),
                    reader.GetFieldValue<DateTimeOffset>(3)));
            }

            return new FeedPage(epoch, head, time, rows);
        }, ct);

    /// <summary>Tells the store what this replica has applied.</summary>
    public Task ReportAsync(string instance, long applied, CancellationToken ct) => PostgresErrors.MapAsync("feed", async () =>
    {
        await using var batch = database.Source.CreateBatch();
        batch.BatchCommands.Add(ReplicaSeen(instance, applied));
        return await batch.ExecuteNonQueryAsync(ct);
    }, ct);

    /// <summary>Highest position committed so far; a login that begins now begins after it.</summary>
    public Task<long> HeadAsync(CancellationToken ct) => PostgresErrors.MapAsync("feed", async () =>
    {
        await using var command = database.Command("select coalesce(max(position), 0) from {own}.revocation");
        return (long)(await command.ExecuteScalarAsync(ct))!;
    }, ct);

    private NpgsqlBatchCommand ReplicaSeen(string instance, long applied) => database.Part("""
        insert into {own}.replica (instance, applied_position, applied_at, seen_at)
        values ($1, $2, clock_timestamp(), clock_timestamp())
        on conflict (instance) do update set seen_at = clock_timestamp(), applied_position = $2,
          applied_at = case when replica.applied_position = $2 then replica.applied_at else clock_timestamp() end
        """, instance, applied);
}
