using EventAuth.Adapters.Sessions;
using Npgsql;

namespace EventAuth.Adapters.Postgres;

/// <summary>How far behind the checks at an issuer are.</summary>
/// <param name="Due">Sessions whose time has come; counted up to a limit.</param>
/// <param name="OldestVerifiedAt">Of the next thousand in line that do not rest; null when there is none.</param>
/// <param name="LongestDueAt">When the one became due that waits longest and that nobody is asking about; null when none of the first thousand waits.</param>
public sealed record DueFigures(string Issuer, long Due, DateTimeOffset? OldestVerifiedAt, DateTimeOffset? LongestDueAt);

/// <summary>Looks how the checks stand, without counting all sessions.</summary>
public sealed class DueOverview(Database database)
{
    private const int CountLimit = 100_000;

    // From one issuer to the next by the index: there may be a million sessions of each.
    private const string Sql = """
        with recursive issuers as (
          (select issuer from {own}.session where ended_at is null order by issuer limit 1)
          union all
          select (select s.issuer from {own}.session s where s.ended_at is null and s.issuer > i.issuer order by s.issuer limit 1)
          from issuers i where i.issuer is not null)
        select i.issuer,
          (select count(*) from (
             select 1 from {own}.session s where s.ended_at is null and s.issuer = i.issuer and s.next_check_at <= $1 limit $2) d),
          (select min(verified_at) from (
             select verified_at, resting, next_check_at from {own}.session s
             where s.ended_at is null and s.issuer = i.issuer order by next_check_at limit 1000) n
           where not resting or next_check_at <= $1),
          (select min(w.next_check_at) from (
             select id, subject_key, sid_key, position, next_check_at from {own}.session s
             where s.ended_at is null and s.issuer = i.issuer and s.next_check_at <= $1 and s.expires_at > $1
               and (s.check_until is null or s.check_until < clock_timestamp()) order by next_check_at limit 1000) w
           where not exists (
             select 1 from {own}.revocation r where r.kind <> 4 and r.position > w.position
               and r.key in (w.id, w.subject_key, w.sid_key, '00000000-0000-0000-0000-000000000000')))
        from issuers i where i.issuer is not null
        """;

    /// <summary>Of every issuer that has a live session.</summary>
    /// <exception cref="StoreUnavailableException">The store is away.</exception>
    public Task<IReadOnlyList<DueFigures>> ReadAsync(DateTimeOffset now, CancellationToken ct) =>
        PostgresErrors.MapAsync<IReadOnlyList<DueFigures>>("due", async () =>
        {
            await using var command = database.Command(Sql, now, CountLimit);
            await using var reader = await command.ExecuteReaderAsync(ct);
            var rows = new List<DueFigures>();
            while (await reader.ReadAsync(ct))
            {
                rows.Add(new DueFigures(reader.GetString(0), reader.GetInt64(1), Time(reader, 2), Time(reader, 3)));
            }

            return rows;
        }, ct);

    private static DateTimeOffset? Time(NpgsqlDataReader reader, int i) =>
        reader.IsDBNull(i) ? null : reader.GetFieldValue<DateTimeOffset>(i);
}
