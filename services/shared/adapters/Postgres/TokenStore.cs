using EventAuth.Adapters.Secrets;
using EventAuth.Adapters.Sessions;
using EventAuth.Contracts;

namespace EventAuth.Adapters.Postgres;

/// <summary>A session's sealed tokens.</summary>
/// <param name="Unfinished">Somebody claimed these tokens before and stored no successor: the IdP may have used them up.</param>
public sealed record StoredTokens(int TokenVersion, SealedSecret Secret, DateTimeOffset RefreshIssuedAt, bool Unfinished);

/// <summary>What came of asking for the right to refresh.</summary>
public abstract record Claim
{
    private Claim() { }

    /// <summary>Ours until the lease ends.</summary>
    public sealed record Won(StoredTokens Tokens) : Claim;

    /// <summary>Somebody else is at it.</summary>
    /// <param name="Attempt">The number of theirs.</param>
    public sealed record Busy(int Attempt) : Claim;

    /// <summary>The attempt that was waited for failed.</summary>
    /// <param name="How">In the words of whoever made it.</param>
    public sealed record Failed(string How) : Claim;

    /// <summary>The tokens are newer than asked for, or gone with their session; or they changed at this moment: look.</summary>
    public sealed record Outdated : Claim;
}

/// <summary>Whose turn it is with one version of a session's tokens.</summary>
/// <param name="Owner">One flight of one process: what another of its flights left behind is not ours.</param>
public readonly record struct TokenLease(SessionId Id, int Version, string Owner);

/// <summary>Sealed tokens and the lease by which only one replica uses a refresh token at a time.</summary>
public sealed class TokenStore(Database database)
{
    // More often than that no answer is lost: the store is away.
    private const int MaxLostClaims = 3;

    /// <summary>
    /// Takes the lease on one token version by compare-and-set. Who does not get it is marked as waiting, so that the
    /// holder wakes it when it has stored the result. Who has it already gets it again: the answer to the first claim got lost.
    /// </summary>
    /// <param name="lasts">How long the lease lasts, on the store's clock.</param>
    /// <param name="waitedFor">The attempt of somebody else that the caller waited for: if that one failed, so did the caller.</param>
    public async Task<Claim> ClaimAsync(TokenLease lease, TimeSpan lasts, int? waitedFor, CancellationToken ct)
    {
        for (var lost = 1; ; lost++)
        {
            try
            {
                return await TryClaimAsync(lease, lasts, waitedFor, ct);
            }
            catch (StoreUnavailableException) when (lost < MaxLostClaims)
            {
                // The lease may be ours without our knowing it.
            }
        }
    }

    private Task<Claim> TryClaimAsync(TokenLease lease, TimeSpan lasts, int? waitedFor, CancellationToken ct) =>
        PostgresErrors.MapAsync<Claim>("token", async () =>
        {
            await using var command = database.Command("""
                with before as (
                  select session_id, lease_until is not null as unfinished from {own}.session_token
                  where session_id = $1 and token_version = $2
                    and (lease_until is null or lease_until < clock_timestamp() or lease_owner = $3)
                    and ($5::int is null or failed_attempt is null or failed_attempt < $5) for update)
                update {own}.session_token t set lease_owner = $3, lease_until = clock_timestamp() + $4, attempt = attempt + 1
                from before where t.session_id = before.session_id
                returning t.token_version, t.key_id, t.sealed, t.refresh_issued_at, before.unfinished
                """, lease.Id.Value, lease.Version, lease.Owner, lasts, waitedFor);
            await using var reader = await command.ExecuteReaderAsync(ct);
            return await reader.ReadAsync(ct)
                ? new Claim.Won(new StoredTokens(reader.GetInt32(0),
                    new SealedSecret(reader.GetString(1), reader.GetFieldValue<byte[]>(2)),
                    reader.GetFieldValue<DateTimeOffset>(3), reader.GetBoolean(4)))
                : await WaitAsync(lease, waitedFor, ct);
        }, ct);

    /// <summary>Gives the lease back when no new tokens were stored.</summary>
    /// <param name="used">The IdP may have used up the refresh token: the next holder must know (<see cref="StoredTokens.Unfinished"/>).</param>
    /// <param name="failure">What whoever waits for this attempt shares; null: they try for themselves.</param>
    public Task ReleaseAsync(TokenLease lease, bool used, string? failure, CancellationToken ct) =>
        PostgresErrors.MapAsync("token", async () =>
        {
            await using var batch = database.Source.CreateBatch();
            batch.BatchCommands.Add(database.Part("""
                update {own}.session_token set lease_owner = null, lease_until = case when $4 then clock_timestamp() end,
                  failed_attempt = case when $5::text is not null then attempt end, failure = $5
                where session_id = $1 and token_version = $2 and lease_owner = $3
                """, lease.Id.Value, lease.Version, lease.Owner, used, failure));
            batch.BatchCommands.Add(database.Part("select pg_notify('{own}_refreshed', $1)", lease.Id.ToString()));
            return await batch.ExecuteNonQueryAsync(ct);
        }, ct);

    /// <summary>The tokens as they are, without a lease (for the logout's hint and revocation at the IdP).</summary>
    public Task<StoredTokens?> ReadAsync(SessionId id, CancellationToken ct) =>
        PostgresErrors.MapAsync<StoredTokens?>("token", async () =>
        {
            await using var command = database.Command(
                "select token_version, key_id, sealed, refresh_issued_at from {own}.session_token where session_id = $1", id.Value);
            await using var reader = await command.ExecuteReaderAsync(ct);
            return await reader.ReadAsync(ct)
                ? new StoredTokens(reader.GetInt32(0), new SealedSecret(reader.GetString(1), reader.GetFieldValue<byte[]>(2)),
                    reader.GetFieldValue<DateTimeOffset>(3), false)
                : null;
        }, ct);

    /// <summary>The tokens of the sessions that a revocation of this key is about to end: a subject's, or of one session of the IdP.</summary>
    public Task<IReadOnlyList<(SessionId Id, SealedSecret Secret)>> OfAsync(Guid key, int limit, CancellationToken ct) =>
        PostgresErrors.MapAsync<IReadOnlyList<(SessionId, SealedSecret)>>("token", async () =>
        {
            await using var command = database.Command("""
                select t.session_id, t.key_id, t.sealed from {own}.session s join {own}.session_token t on t.session_id = s.id
                where (s.subject_key = $1 or s.sid_key = $1) and s.ended_at is null limit $2
                """, key, limit);
            await using var reader = await command.ExecuteReaderAsync(ct);
            var found = new List<(SessionId, SealedSecret)>();
            while (await reader.ReadAsync(ct))
            {
                found.Add((new SessionId(reader.GetGuid(0)), new SealedSecret(reader.GetString(1), reader.GetFieldValue<byte[]>(2))));
            }

            return found;
        }, ct);

    // A lease that ended between the two statements is busy for one more look.
    private async Task<Claim> WaitAsync(TokenLease lease, int? waitedFor, CancellationToken ct)
    {
        // Writes only if nobody waits yet: the holder needs the row to store its result, and many look at it many times.
        await using var wait = database.Command("""
            with marked as (
              update {own}.session_token set waiting = true where session_id = $1 and token_version = $2 and not waiting
              returning attempt, failed_attempt, failure)
            select attempt, failed_attempt, failure from marked
            union all
            select attempt, failed_attempt, failure from {own}.session_token where session_id = $1 and token_version = $2 and waiting
            """, lease.Id.Value, lease.Version);
        await using var reader = await wait.ExecuteReaderAsync(ct);
        if (!await reader.ReadAsync(ct))
        {
            return new Claim.Outdated();
        }

        return waitedFor is { } attempt && !reader.IsDBNull(1) && reader.GetInt32(1) >= attempt
            ? new Claim.Failed(reader.GetString(2))
            : new Claim.Busy(reader.GetInt32(0));
    }
}
