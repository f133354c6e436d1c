using EventAuth.Contracts;
using Npgsql;

namespace EventAuth.Adapters.Postgres;

/// <summary>An event as it lies in the store, read without knowing its type: an audit must show what it finds.</summary>
/// <param name="Position">Its <c>seq_id</c>: the order of all events.</param>
/// <param name="Data">JSON.</param>
public sealed record StoredEvent(
    long Position, Guid Id, string Stream, long Version, string Type, DateTimeOffset At, string? CorrelationId, string? CausationId, string Data);

/// <summary>Some events in order.</summary>
/// <param name="Next">Read on after this position.</param>
/// <param name="More">Whether there is more to read right now.</param>
public sealed record EventPage(IReadOnlyList<StoredEvent> Events, long Next, bool More);

/// <summary>
/// Reads the record for people who must answer for it. Reads only.
///
/// Positions come from a sequence and are drawn before the commit, so a hole may still be filled by a transaction that is
/// open. Whoever reads all events and goes on after the last one would then miss an event for good. Therefore a page of
/// all events ends before a hole as long as the event behind it is younger than <see cref="HoleSettles"/>: every writer's
/// statements end within 2 s, its waits for locks within 2 s, and an idle transaction after 5 s (Database). Older holes
/// are rolled back appends and stay empty. Marten fills its own with events of type <c>tombstone</c>, which count as seen
/// and are left out.
///
/// The streams of one session or subject are shown as they are; they have no holes of their own, and a late event is
/// there at the next reading from the start.
/// </summary>
public sealed class AuditQueries(Database database)
{
    /// <summary>Age at which a hole is final.</summary>
    public static readonly TimeSpan HoleSettles = TimeSpan.FromSeconds(10);

    private const string Tombstone = "tombstone";

    private const string Columns = """
        e.seq_id, e.id, e.stream_id, e.version, e.type, e.timestamp, e.correlation_id, e.causation_id, e.data::text,
        clock_timestamp() - e.timestamp > $3
        """;

    /// <summary>Everything after a position.</summary>
    public async Task<EventPage> AllAsync(long after, int limit, CancellationToken ct)
    {
        var rows = await QueryAsync("where e.seq_id > $1", ct, after, limit, HoleSettles);
        var settled = WithoutOpenHoles(rows, after);
        return new EventPage(Visible(settled), settled.Count == 0 ? after : settled[^1].Event.Position,
            settled.Count == rows.Count && rows.Count == limit);
    }

    /// <summary>What happened to a session.</summary>
    public Task<EventPage> OfSessionAsync(SessionId id, long after, int limit, CancellationToken ct) =>
        OfStreamsAsync("where e.seq_id > $1 and e.stream_id = $4", after, limit, EventStore.StreamOf(id), ct);

    /// <summary>What happened to a subject: revocations, by the IdP's sessions too, and all of its sessions, in one order.</summary>
    public Task<EventPage> OfSubjectAsync(SubjectKey key, long after, int limit, CancellationToken ct) =>
        OfStreamsAsync("""
            where e.seq_id > $1 and e.stream_id in (
              select 'subject-' || replace($4::text, '-', '')
              union select 'session-' || replace(id::text, '-', '') from {own}.session where subject_key = $4
              union select 'sid-' || replace(sid_key::text, '-', '') from {own}.session where subject_key = $4 and sid_key is not null)
            """, after, limit, key.Value, ct);

    /// <summary>Subjects that somebody may mean by a text: a key, a subject, an e-mail address or a part of a name.</summary>
    public Task<IReadOnlyList<SubjectKey>> SubjectsAsync(string text, int limit, CancellationToken ct) =>
        PostgresErrors.MapAsync<IReadOnlyList<SubjectKey>>("subject", async () =>
        {
            await using var command = database.Command("""
                select key from (
                  select p.key from {own}.subject p
                  where replace(p.key::text, '-', '') = lower($1) or lower(p.email) = lower($1) or position(lower($1) in lower(p.name)) > 0
                  union select s.subject_key from {own}.session s where s.sub = $1) as found
                order by key limit $2
                """, text, limit);
            await using var reader = await command.ExecuteReaderAsync(ct);
            var keys = new List<SubjectKey>();
            while (await reader.ReadAsync(ct))
            {
                keys.Add(new SubjectKey(reader.GetGuid(0)));
            }

            return keys;
        }, ct);

    private async Task<EventPage> OfStreamsAsync(string where, long after, int limit, object stream, CancellationToken ct)
    {
        var rows = await QueryAsync(where, ct, after, limit, HoleSettles, stream);
        return new EventPage(Visible(rows), rows.Count == 0 ? after : rows[^1].Event.Position, rows.Count == limit);
    }

    private static IReadOnlyList<StoredEvent> Visible(IReadOnlyList<Row> rows) =>
        [.. rows.Where(r => r.Event.Type != Tombstone).Select(r => r.Event)];

    private static IReadOnlyList<Row> WithoutOpenHoles(IReadOnlyList<Row> rows, long after)
    {
        var last = after;
        var settled = 0;
        while (settled < rows.Count && (rows[settled].Event.Position == last + 1 || rows[settled].IsOld))
        {
            last = rows[settled].Event.Position;
            settled++;
        }

        return [.. rows.Take(settled)];
    }

    private Task<IReadOnlyList<Row>> QueryAsync(string where, CancellationToken ct, params object[] parameters) =>
        PostgresErrors.MapAsync<IReadOnlyList<Row>>("audit", async () =>
        {
            await using var command = database.Command(
                $"select {Columns} from {{events}}.mt_events e {where} order by e.seq_id limit $2", parameters);
            await using var reader = await command.ExecuteReaderAsync(ct);
            var rows = new List<Row>();
            while (await reader.ReadAsync(ct))
            {
                rows.Add(Read(reader));
            }

            return rows;
        }, ct);

    private static Row Read(NpgsqlDataReader r) => new(
        new StoredEvent(r.GetInt64(0), r.GetGuid(1), Text(r, 2) ?? "", r.GetInt64(3), r.GetString(4),
            r.GetFieldValue<DateTimeOffset>(5), Text(r, 6), Text(r, 7), r.GetString(8)),
        r.GetBoolean(9));

    private static string? Text(NpgsqlDataReader r, int i) => r.IsDBNull(i) ? null : r.GetString(i);

    private sealed record Row(StoredEvent Event, bool IsOld);
}
