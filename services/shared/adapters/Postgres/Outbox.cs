using EventAuth.Contracts;

namespace EventAuth.Adapters.Postgres;

/// <summary>
/// Feed rows that the broker has not confirmed yet. A row is claimed for a while, published, then marked: nothing is
/// published inside a transaction, and what a crashed process had claimed is taken over by the next.
/// </summary>
public sealed class Outbox(Database database)
{
    /// <summary>Older rows are marked without being published: every gateway has long read them in the feed.</summary>
    public static readonly TimeSpan Useful = TimeSpan.FromMinutes(10);

    public Task<IReadOnlyList<Revocation>> ClaimAsync(int limit, TimeSpan claim, CancellationToken ct) =>
        PostgresErrors.MapAsync<IReadOnlyList<Revocation>>("outbox", async () =>
        {
            await using var command = database.Command("""
                update {own}.revocation set claimed_until = clock_timestamp() + $2
                where position in (
                  select position from {own}.revocation
                  where published_at is null and (claimed_until is null or claimed_until < clock_timestamp())
                  order by position limit $1 for update skip locked)
                returning position, kind, key, committed_at
                """, limit, claim);
            await using var reader = await command.ExecuteReaderAsync(ct);
            var rows = new List<Revocation>();
            while (await reader.ReadAsync(ct))
            {
                rows.Add(new Revocation(reader.GetInt64(0), (RevocationKind)reader.GetInt16(1), reader.GetGuid(2),
                    reader.GetFieldValue<DateTimeOffset>(3)));
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
    public Task ReleaseAsync(IReadOnlyList<long> positions, CancellationToken ct) => PostgresErrors.MapAsync("outbox", async () =>
    {
        await using var command = database.Command(
            "update {own}.revocation set claimed_until = null where position = any($1)", positions.ToArray());
        return await command.ExecuteNonQueryAsync(ct);
    }, ct);

    /// <summary>Rows waiting for the broker.</summary>
    public Task<long> BacklogAsync(CancellationToken ct) => PostgresErrors.MapAsync("outbox", async () =>
    {
        await using var command = database.Command("select count(*) from {own}.revocation where published_at is null");
        return (long)(await command.ExecuteScalarAsync(ct))!;
    }, ct);
}
