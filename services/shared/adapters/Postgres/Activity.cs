using EventAuth.Contracts;

namespace EventAuth.Adapters.Postgres;

/// <summary>When sessions were last used; erasable, and never written per request.</summary>
public sealed class Activity(Database database)
{
    public Task WriteAsync(IReadOnlyList<(SessionId Id, DateTimeOffset At)> seen, CancellationToken ct) =>
        // In one order everywhere: two replicas that write the same sessions crosswise would deadlock.
        seen.Count == 0 ? Task.CompletedTask : PostgresErrors.MapAsync("activity", async () =>
        {
            await using var command = database.Command("""
                insert into {own}.activity (session_id, seen_at) select * from unnest($1, $2) as seen (id, at) order by id
                on conflict (session_id) do update set seen_at = greatest(activity.seen_at, excluded.seen_at)
                """, seen.Select(s => s.Id.Value).ToArray(), seen.Select(s => s.At).ToArray());
            return await command.ExecuteNonQueryAsync(ct);
        }, ct);
}
