namespace EventAuth.Adapters.Postgres;

/// <summary>Which rules were recorded last.</summary>
public sealed class PolicyLog(Database database)
{
    /// <summary>The stream of <c>PolicyLoaded</c>.</summary>
    public const string Stream = "policy";

    /// <summary>Hash of the rules on record; null when there are none.</summary>
    public Task<string?> LastHashAsync(CancellationToken ct) => PostgresErrors.MapAsync(Stream, async () =>
    {
        await using var command = database.Command(
            "select data ->> 'hash' from {events}.mt_events where stream_id = $1 order by version desc limit 1", Stream);
        return await command.ExecuteScalarAsync(ct) as string;
    }, ct);
}
