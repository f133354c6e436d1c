using EventAuth.Adapters.Sessions;
using EventAuth.Contracts;
using EventAuth.Domain.Sessions;
using Npgsql;

namespace EventAuth.Adapters.Postgres;

/// <summary>
/// The record in Marten's table format. One append is one batch, which Postgres runs as one transaction in one round trip:
///   1. the events, at the expected version (functions.sql, append);
///   2. the session's current state, its tokens and personal data;
///   3. for an issue, the check that nothing of this login was revoked meanwhile;
///   4. for an end or a change that others must learn of, the feed row. It comes last: the feed's lock is held from here
///      to the commit, and every other revocation waits for it.
/// </summary>
public sealed class EventStore(Database database) : IEventStore
{
    private const string AppendSql = "select {own}.append($1, $2, $3, $4, $5, $6, $7, $8, $9)";

    private const string SaveSql = """
        insert into {own}.session (id, version, subject_key, sid_key, issuer, sub, sid, client_id, groups, roles, position,
          issued_at, expires_at, tokens_at, access_expires_at, refreshable, token_version, ended_at, end_reason,
          verified_at, next_check_at)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $12, coalesce($20, $12))
        on conflict (id) do update set version = $2, groups = $9, roles = $10, tokens_at = $14, access_expires_at = $15,
          refreshable = $16, token_version = $17, ended_at = $18, end_reason = $19,
          verified_at = greatest(session.verified_at, $14),
          unanswered_at = case when $14 > session.verified_at then null else session.unanswered_at end, next_check_at = coalesce($20, session.next_check_at)
        """;

    private const string SaveTokensSql = """
        insert into {own}.session_token (session_id, token_version, key_id, sealed, refresh_issued_at)
        values ($1, $2, $3, $4, $5)
        on conflict (session_id) do update set token_version = $2, key_id = $3, sealed = $4, refresh_issued_at = $5,
          lease_owner = null, lease_until = null
        """;

    private const string WakeWaitersSql = """
        with woken as (update {own}.session_token set waiting = false where session_id = $1 and waiting returning 1)
        select pg_notify('{own}_refreshed', $2) from woken
        """;

    // A login says all there is to say: what it does not mention is gone.
    private const string SavePersonSql = """
        insert into {own}.subject (key, email, name, updated_at)
        values ($1, nullif($2::text, ''), nullif($3::text, ''), clock_timestamp())
        on conflict (key) do update set email = excluded.email, name = excluded.name, updated_at = excluded.updated_at
        """;

    public Task<StreamSlice> LoadAsync(SessionId id, CancellationToken ct) => PostgresErrors.MapAsync(StreamOf(id), async () =>
    {
        await using var command = database.Command(
            "select version, type, data::text from {events}.mt_events where stream_id = $1 order by version", StreamOf(id));
        await using var reader = await command.ExecuteReaderAsync(ct);
        var events = new List<SessionEvent>();
        var version = 0L;
        while (await reader.ReadAsync(ct))
        {
            version = reader.GetInt64(0);
            events.Add((SessionEvent)EventNames.FromJson(reader.GetString(1), reader.GetString(2)));
        }

        return new StreamSlice(version, events);
    }, ct);

    public Task AppendAsync(SessionWrite write, CancellationToken ct) => PostgresErrors.MapAsync(StreamOf(write.Id), async () =>
    {
        await using var batch = database.Source.CreateBatch();
        var ids = write.Events.Select(_ => Guid.CreateVersion7()).ToArray();
        batch.BatchCommands.Add(Append(StreamOf(write.Id), "session", write.ExpectedVersion, ids, write.Events,
            write.Context.CorrelationId, write.Context.CausationId));
        AddState(batch, write);
        AddFeed(batch, write, ids);
        await batch.ExecuteNonQueryAsync(ct);
        return true;
    }, ct);

    public Task<RevocationReceipt> RevokeAsync(RevocationWrite write, CancellationToken ct) =>
        PostgresErrors.MapAsync(write.Stream, async () =>
        {
            var eventId = Guid.CreateVersion7();
            await using var command = database.Command(
                "select place, fresh from {own}.revoke($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)",
                (short)write.Kind, write.Key, write.Stream, write.StreamType, eventId, EventNames.Of(write.Event),
                EventNames.DotNetType(write.Event), EventNames.ToJson(write.Event), write.CorrelationId, write.CausationId, write.Token?.Key, write.Token?.Hash, write.Token?.Until);
            await using var reader = await command.ExecuteReaderAsync(ct);
            await reader.ReadAsync(ct);
            return new RevocationReceipt(reader.GetInt64(0), eventId, reader.GetBoolean(1));
        }, ct);

    public Task RecordAsync(
        string stream, string streamType, SubjectEvent @event, string? correlationId, CancellationToken ct) =>
        PostgresErrors.MapAsync(stream, async () =>
        {
            await using var batch = database.Source.CreateBatch();
            batch.BatchCommands.Add(Append(stream, streamType, -1, [Guid.CreateVersion7()], [@event], correlationId, null));
            await batch.ExecuteNonQueryAsync(ct);
            return true;
        }, ct);

    /// <summary>The stream of a session.</summary>
    public static string StreamOf(SessionId id) => $"session-{id}";

    private NpgsqlBatchCommand Append(
        string stream, string type, long expected, Guid[] ids, IReadOnlyList<object> events, string? correlation, string? causation) =>
        database.Part(AppendSql, stream, type, expected, ids,
            events.Select(EventNames.Of).ToArray(), events.Select(EventNames.DotNetType).ToArray(),
            events.Select(EventNames.ToJson).ToArray(), correlation, causation);

    private void AddState(NpgsqlBatch batch, SessionWrite write)
    {
        var (active, ended) = write.State switch
        {
            Session.Active s => (s, null),
            Session.Ended e => (e.Last, e),
            _ => throw new InvalidOperationException("a session without events is not written"),
        };
        var version = write.ExpectedVersion + write.Events.Count;
        batch.BatchCommands.Add(database.Part(SaveSql, write.Id.Value, version, active.Subject.Key.Value, SidKey(active),
            active.Subject.Issuer, active.Subject.Sub, active.Sid, active.ClientId, active.Groups.ToArray(),
            active.Roles.ToArray(), active.Position, active.IssuedAt, active.ExpiresAt, active.TokensAt,
            active.AccessExpiresAt, active.Refreshable, active.TokenVersion, ended?.At, ended?.Reason.ToString(),
            write.Context.NextCheckAt));

        if (ended is not null)
        {
            batch.BatchCommands.Add(database.Part("delete from {own}.session_token where session_id = $1", write.Id.Value));
            batch.BatchCommands.Add(database.Part("select pg_notify('{own}_refreshed', $1)", write.Id.ToString()));
        }
        else if (write.Context.Tokens is { } tokens)
        {
            batch.BatchCommands.Add(database.Part(SaveTokensSql,
                write.Id.Value, active.TokenVersion, tokens.KeyId, tokens.Sealed, tokens.RefreshIssuedAt));
            batch.BatchCommands.Add(database.Part(WakeWaitersSql, write.Id.Value, write.Id.ToString()));
        }

        if (write.Context.Person is { } person)
        {
            batch.BatchCommands.Add(database.Part(SavePersonSql, active.Subject.Key.Value, person.Email, person.Name));
        }

        if (write.Context.UserAgent is { } agent)
        {
            batch.BatchCommands.Add(database.Part(
                "insert into {own}.activity (session_id, seen_at, user_agent) values ($1, $2, $3) on conflict do nothing",
                write.Id.Value, active.IssuedAt, agent));
        }
    }

    private void AddFeed(NpgsqlBatch batch, SessionWrite write, Guid[] ids)
    {
        if (write.Events.OfType<SessionIssued>().FirstOrDefault() is { } issued)
        {
            var subject = new Subject(issued.Issuer, issued.Sub);
            var sid = issued.Sid is null ? (Guid?)null : ProviderSessionKey.Of(issued.Issuer, issued.Sid).Value;
            batch.BatchCommands.Add(database.Part("select {own}.guard_login($1, $2, $3::uuid)", issued.Position, subject.Key.Value, sid));
        }

        RevocationKind? kind = write.Events[^1] switch
        {
            SessionEnded when write.Context.Announce => RevocationKind.Session,
            SessionClaimsChanged => RevocationKind.Changed,
            _ => null,
        };
        if (kind is { } k)
        {
            batch.BatchCommands.Add(database.Part("select {own}.announce({own}.draw_position(), $1, $2, $3, $4)",
                (short)k, write.Id.Value, StreamOf(write.Id), ids[^1]));
        }
    }

    private static Guid? SidKey(Session.Active session) =>
        session.Sid is null ? null : ProviderSessionKey.Of(session.Subject.Issuer, session.Sid).Value;
}
