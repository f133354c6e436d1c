using EventAuth.Contracts;

namespace EventAuth.Adapters.Postgres;

/// <summary>The rules on record.</summary>
/// <param name="Version">Version of their stream; 0 when there are none.</param>
public sealed record RecordedPolicy(long Version, string? Hash);

/// <summary>Which rules were recorded last, and how to record others.</summary>
public sealed class PolicyLog(Database database)
{
    private const string Stream = "policy";

    public Task<RecordedPolicy> LastAsync(CancellationToken ct) => PostgresErrors.MapAsync(Stream, async () =>
    {
        await using var command = database.Command(
            "select version, data ->> 'hash' from {events}.mt_events where stream_id = $1 order by version desc limit 1", Stream);
        await using var reader = await command.ExecuteReaderAsync(ct);
        return await reader.ReadAsync(ct)
            ? new RecordedPolicy(reader.GetInt64(0), reader.IsDBNull(1) ? null : reader.GetString(1))
            : new RecordedPolicy(0, null);
    }, ct);

    /// <summary>Records rules after those that were read.</summary>
    /// <exception cref="Sessions.StreamConflictException">Another replica has recorded meanwhile.</exception>
    public Task RecordAsync(RecordedPolicy last, PolicyLoaded loaded, string instance, CancellationToken ct) =>
        PostgresErrors.MapAsync(Stream, async () =>
        {
            await using var command = database.Command("select {own}.append($1, $2, $3, $4, $5, $6, $7, $8, null)",
                Stream, "policy", last.Version, new[] { Guid.CreateVersion7() }, new[] { EventNames.Of(loaded) },
                new[] { EventNames.DotNetType(loaded) }, new[] { EventNames.ToJson(loaded) }, instance);
            return await command.ExecuteNonQueryAsync(ct);
        }, ct);
}
