using EventAuth.Contracts;

namespace EventAuth.Adapters.Postgres;

/// <summary>A feed row that this process may publish.</summary>
/// <param name="Until">End of the claim; names it, so that a late owner gives nothing back that somebody else holds.</param>
/// <param name="TooLate">See <see cref="Outbox.Useful"/>; on the store's clock.</param>
public readonly record struct ClaimedRow(Revocation Row, DateTimeOffset Until, bool TooLate)
{
    public long Position => Row.Position;
}

/// <summary>
/// Feed rows that the broker has not confirmed yet. A row is claimed for a while, published, then marked: nothing is
/// published inside a transaction, and what a crashed process had claimed is taken over by the next.
///   1. One process claims at a time, and no row is claimed while somebody holds an earlier one of the same key: so the rows
///      of a key go out in the order of their positions, whoever publishes them.
///   2. Only what nobody holds, or held for too long, can be claimed.
/// </summary>
public sealed class Outbox(Database database)
{
    /// <summary>Older rows are marked without being published: every gateway has long read them in the feed.</summary>
    public static readonly TimeSpan Useful = TimeSpan.FromMinutes(10);

    // What is counted at most, so that counting never costs more than publishing.
    private const int CountLimit = 100_000;

    /// <summary>At most so many rows, in the order of their positions.</summary>
    /// <param name="claim">How long nobody else may publish them.</param>
    public Task<IReadOnlyList<ClaimedRow>> ClaimAsync(int limit, TimeSpan claim, CancellationToken ct) =>
        PostgresErrors.MapAsync<IReadOnlyList<ClaimedRow>>("outbox", async () =>
        {
            // One round trip and one transaction; the second statement sees what was committed before the lock was had.
            await using var batch = database.Source.CreateBatch();
            batch.BatchCommands.Add(database.Part("select pg_advisory_xact_lock(hashtext('{own}.outbox'))"));
            batch.BatchCommands.Add(database.Part("""
                update {own}.revocation r set claimed_until = t.until
                from (select clock_timestamp() + $2 as until) t
                where r.position in (
                  select free.position from {own}.revocation free
                  where free.published_at is null and (free.claimed_until is null or free.claimed_until < clock_timestamp())
                    and not exists (
                      select 1 from {own}.revocation earlier
                      where earlier.key = free.key and earlier.position < free.position and earlier.published_at is null
                        and earlier.claimed_until >= clock_timestamp())
                  order by free.position limit $1 for update)
                returning r.position, r.kind, r.key, r.committed_at, r.claimed_until, r.committed_at < clock_timestamp() - $3
                """, limit, claim, Useful));
            await using var reader = await batch.ExecuteReaderAsync(ct);
            await reader.NextResultAsync(ct);
            var rows = new List<ClaimedRow>();
            while (await reader.ReadAsync(ct))
            {
                var row = new Revocation(reader.GetInt64(0), (RevocationKind)reader.GetInt16(1), reader.GetGuid(2),
                    reader.GetFieldValue<DateTimeOffset>(3));
                rows.Add(new ClaimedRow(row, reader.GetFieldValue<DateTimeOffset>(4), reader.GetBoolean(5)));
            }

            rows.Sort((a, b) => a.Position.CompareTo(b.Position));
            return rows;
        }, ct);

    public Task MarkAsync(IReadOnlyList<long> positions, CancellationToken ct) => PostgresErrors.MapAsync("outbox", async () =>
    {
        await using var command = database.Command(
            "update {own}.revocation set published_at = clock_timestamp() where position = any($1)", positions.ToArray());
        return await command.ExecuteNonQueryAsync(ct);
    }, ct);

    /// <summary>Gives back what could not be published, for the next try.</summary>
    public Task ReleaseAsync(IReadOnlyList<ClaimedRow> rows, CancellationToken ct) => PostgresErrors.MapAsync("outbox", async () =>
    {
        await using var command = database.Command("""
            update {own}.revocation r set claimed_until = null
            from unnest($1::bigint[], $2::timestamptz[]) as mine (position, until)
            where r.position = mine.position and r.claimed_until = mine.until and r.published_at is null
            """, rows.Select(r => r.Position).ToArray(), rows.Select(r => r.Until).ToArray());
        return await command.ExecuteNonQueryAsync(ct);
    }, ct);

    /// <summary>Rows waiting for the broker, counted up to 100 000.</summary>
    public Task<long> BacklogAsync(CancellationToken ct) => PostgresErrors.MapAsync("outbox", async () =>
    {
        await using var command = database.Command(
            "select count(*) from (select 1 from {own}.revocation where published_at is null limit $1) waiting", CountLimit);
        return (long)(await command.ExecuteScalarAsync(ct))!;
    }, ct);
}
