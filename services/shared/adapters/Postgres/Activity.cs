using EventAuth.Contracts;

namespace EventAuth.Adapters.Postgres;

/// <summary>When sessions were last used; erasable, and never written per request.</summary>
public sealed class Activity(Database database)
{
    // Rows are locked in one order everywhere: two replicas that write the same sessions crosswise would deadlock.
    private const string Sql = """
        with seen as materialized (select * from unnest($1, $2) as seen (id, at)),
        written as (
          insert into {own}.activity (session_id, seen_at) select id, at from seen order by id
          on conflict (session_id) do update set seen_at = greatest(activity.seen_at, excluded.seen_at)),
        rested as materialized (
          select s.id from {own}.session s join seen on seen.id = s.id
          where s.resting and s.ended_at is null order by s.id for update of s),
        woken as (
          update {own}.session s set resting = false, next_check_at = least(s.next_check_at, greatest($3, s.verified_at + $4))
          from rested where s.id = rested.id)
        select s.id, s.verified_at from {own}.session s join seen on seen.id = s.id where s.ended_at is null
        """;

    /// <summary>
    /// Writes use. Who rested is due again as if in use all the time: at once when the IdP's last word is older than
    /// <paramref name="interval"/>.
    /// </summary>
    /// <returns>When the IdP last stood by each.</returns>
    public async Task<IReadOnlyList<(SessionId Id, DateTimeOffset VerifiedAt)>> WriteAsync(
        IReadOnlyList<(SessionId Id, DateTimeOffset At)> seen, DateTimeOffset now, TimeSpan interval, CancellationToken ct) =>
        seen.Count == 0 ? [] : await PostgresErrors.MapAsync("activity", async () =>
        {
            await using var command = database.Command(
                Sql, seen.Select(s => s.Id.Value).ToArray(), seen.Select(s => s.At).ToArray(), now, interval);
            await using var reader = await command.ExecuteReaderAsync(ct);
            var verified = new List<(SessionId, DateTimeOffset)>(seen.Count);
            while (await reader.ReadAsync(ct))
            {
                verified.Add((new SessionId(reader.GetGuid(0)), reader.GetFieldValue<DateTimeOffset>(1)));
            }

            return verified;
        }, ct);
}
