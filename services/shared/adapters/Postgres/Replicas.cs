namespace EventAuth.Adapters.Postgres;

/// <summary>How far a gateway replica is.</summary>
/// <param name="AppliedAt">When it reached that position, on the database's clock.</param>
public sealed record ReplicaRow(string Instance, long Applied, DateTimeOffset AppliedAt, DateTimeOffset SeenAt);

/// <summary>A place in the feed and who has got there.</summary>
/// <param name="CommittedAt">Null when nothing was committed at this position.</param>
/// <param name="Replicas">Only those that were seen lately: one that is gone lets nobody in.</param>
public sealed record FeedProgress(DateTimeOffset? CommittedAt, DateTimeOffset StoreTime, IReadOnlyList<ReplicaRow> Replicas);

/// <summary>Answers "has everybody heard?" for one revocation.</summary>
public sealed class Replicas(Database database)
{
    // A replica that has not reported for so long has lost its lease long before, whatever it still remembers.
    private static readonly TimeSpan Gone = TimeSpan.FromMinutes(1);

    public Task<FeedProgress> ProgressAsync(long position, CancellationToken ct) => PostgresErrors.MapAsync("replica", async () =>
    {
        await using var batch = database.Source.CreateBatch();
        batch.BatchCommands.Add(database.Part(
            "select clock_timestamp(), (select committed_at from {own}.revocation where position = $1)", position));
        batch.BatchCommands.Add(database.Part("""
            select instance, applied_position, applied_at, seen_at from {own}.replica
            where seen_at > clock_timestamp() - $1 order by instance
            """, Gone));
        await using var reader = await batch.ExecuteReaderAsync(ct);
        await reader.ReadAsync(ct);
        var now = reader.GetFieldValue<DateTimeOffset>(0);
        var committedAt = reader.IsDBNull(1) ? (DateTimeOffset?)null : reader.GetFieldValue<DateTimeOffset>(1);
        await reader.NextResultAsync(ct);
        var rows = new List<ReplicaRow>();
        while (await reader.ReadAsync(ct))
        {
            rows.Add(new ReplicaRow(reader.GetString(0), reader.GetInt64(1), reader.GetFieldValue<DateTimeOffset>(2),
                reader.GetFieldValue<DateTimeOffset>(3)));
        }

        return new FeedProgress(committedAt, now, rows);
    }, ct);
}
