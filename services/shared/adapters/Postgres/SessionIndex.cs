using EventAuth.Adapters.Sessions;
using EventAuth.Contracts;
using Npgsql;

namespace EventAuth.Adapters.Postgres;

/// <summary>A session as the database knows it now, with what the person is called and whether it is revoked.</summary>
/// <param name="UnansweredAt">When the IdP first did not answer about it, since it last stood by it.</param>
/// <param name="RevokedPosition">Highest feed position that speaks of it, its subject or its IdP session; 0: none.</param>
public sealed record SessionRow(
    SessionId Id,
    long Version,
    Subject Subject,
    string? Sid,
    string ClientId,
    IReadOnlyList<string> Groups,
    IReadOnlyList<string> Roles,
    long Position,
    DateTimeOffset IssuedAt,
    DateTimeOffset ExpiresAt,
    DateTimeOffset TokensAt,
    DateTimeOffset AccessExpiresAt,
    bool Refreshable,
    int TokenVersion,
    DateTimeOffset? EndedAt,
    string? EndReason,
    DateTimeOffset VerifiedAt,
    DateTimeOffset? UnansweredAt,
    string? Email,
    string? Name,
    DateTimeOffset? SeenAt,
    string? UserAgent,
    long RevokedPosition)
{
    /// <summary>Over, or hit by a revocation whose <c>SessionEnded</c> is still to be written.</summary>
    public bool IsOver => EndedAt is not null || RevokedPosition > Position;
}

/// <summary>Finds sessions: by id, by the IdP's session, by subject.</summary>
public sealed class SessionIndex(Database database)
{
    internal const string Columns = """
        s.id, s.version, s.issuer, s.sub, s.sid, s.client_id, s.groups, s.roles, s.position, s.issued_at, s.expires_at,
        s.tokens_at, s.access_expires_at, s.refreshable, s.token_version, s.ended_at, s.end_reason, s.verified_at, s.unanswered_at,
        p.email, p.name, a.seen_at, a.user_agent,
        (select coalesce(max(r.position), 0) from {own}.revocation r
         where r.kind <> 4 and r.key in (s.id, s.subject_key, s.sid_key, '00000000-0000-0000-0000-000000000000')) as revoked_position
        """;

    internal const string Joins = """
        left join {own}.subject p on p.key = s.subject_key
        left join {own}.activity a on a.session_id = s.id
        """;

    /// <summary>The session, over or not; null when there never was one.</summary>
    public async Task<SessionRow?> FindAsync(SessionId id, CancellationToken ct)
    {
        try
        {
            return await ReadAsync(id, ct);
        }
        catch (StoreUnavailableException e) when (PostgresErrors.IsBroken(e.InnerException))
        {
            // After a restart of the store the pool is full of dead connections: they must not cost a request each.
            database.Source.Clear();
            return await ReadAsync(id, ct);
        }
    }

    /// <summary>Sessions that came from one session of the IdP.</summary>
    public Task<IReadOnlyList<SessionRow>> OfProviderSessionAsync(ProviderSessionKey key, CancellationToken ct) =>
        QueryAsync("where s.sid_key = $1", ct, key.Value);

    /// <summary>Sessions, newest first.</summary>
    /// <param name="subject">Only this subject's.</param>
    /// <param name="live">Only those that are not over.</param>
    /// <param name="before">Continue after a page: issue time and id of its last row.</param>
    public Task<IReadOnlyList<SessionRow>> ListAsync(
        SubjectKey? subject, bool live, (DateTimeOffset At, SessionId Id)? before, int limit, CancellationToken ct) =>
        QueryAsync("""
            where ($1::uuid is null or s.subject_key = $1)
              and (not $2 or (s.ended_at is null and s.expires_at > clock_timestamp()))
              and ($3::timestamptz is null or (s.issued_at, s.id) < ($3, $4::uuid))
            order by s.issued_at desc, s.id desc limit $5
            """, ct, subject?.Value, live, before?.At, before?.Id.Value, limit);

    /// <summary>Issuer and subject behind a key, if any session or event of theirs is known.</summary>
    public async Task<Subject?> SubjectAsync(SubjectKey key, CancellationToken ct) =>
        await ListAsync(key, live: false, before: null, limit: 1, ct) is [var row] ? row.Subject : null;

    /// <summary>Notes that the IdP did not answer about a session; from when it has not, which an earlier note may say.</summary>
    public Task<DateTimeOffset> NoteUnansweredAsync(SessionId id, DateTimeOffset now, CancellationToken ct) => PostgresErrors.MapAsync("session", async () =>
    {
        await using var command = database.Command(
            "update {own}.session set unanswered_at = coalesce(unanswered_at, $2) where id = $1 and ended_at is null returning unanswered_at", id.Value, now);
        await using var reader = await command.ExecuteReaderAsync(ct);
        return await reader.ReadAsync(ct) ? Time(reader, 0) : now;
    }, ct);

    private async Task<SessionRow?> ReadAsync(SessionId id, CancellationToken ct) =>
        await QueryAsync("where s.id = $1", ct, id.Value) is [var row] ? row : null;

    private Task<IReadOnlyList<SessionRow>> QueryAsync(string where, CancellationToken ct, params object?[] parameters) =>
        PostgresErrors.MapAsync<IReadOnlyList<SessionRow>>("session", async () =>
        {
            await using var command = database.Command($"select {Columns} from {{own}}.session s {Joins} {where}", parameters);
            await using var reader = await command.ExecuteReaderAsync(ct);
            var rows = new List<SessionRow>();
            while (await reader.ReadAsync(ct))
            {
                rows.Add(Read(reader));
            }

            return rows;
        }, ct);

    internal static SessionRow Read(NpgsqlDataReader r) => new(
        new SessionId(r.GetGuid(0)), r.GetInt64(1), new Subject(r.GetString(2), r.GetString(3)), Text(r, 4), r.GetString(5),
        r.GetFieldValue<string[]>(6), r.GetFieldValue<string[]>(7), r.GetInt64(8), Time(r, 9), Time(r, 10), Time(r, 11),
        Time(r, 12), r.GetBoolean(13), r.GetInt32(14), TimeOrNull(r, 15), Text(r, 16), Time(r, 17), TimeOrNull(r, 18), Text(r, 19), Text(r, 20),
        TimeOrNull(r, 21), Text(r, 22), r.GetInt64(23));

    private static string? Text(NpgsqlDataReader r, int i) => r.IsDBNull(i) ? null : r.GetString(i);

    private static DateTimeOffset Time(NpgsqlDataReader r, int i) => r.GetFieldValue<DateTimeOffset>(i);

    private static DateTimeOffset? TimeOrNull(NpgsqlDataReader r, int i) => r.IsDBNull(i) ? null : Time(r, i);
}
