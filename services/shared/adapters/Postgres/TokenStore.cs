using EventAuth.Adapters.Secrets;
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
    public sealed record Busy : Claim;

    /// <summary>The tokens are newer than asked for, or gone with their session.</summary>
    public sealed record Outdated : Claim;
}

/// <summary>Sealed tokens and the lease by which only one replica uses a refresh token at a time.</summary>
public sealed class TokenStore(Database database)
{
    /// <summary>
    /// Takes the lease on one token version by compare-and-set. Who does not get it is marked as waiting, so that the
    /// holder wakes it when it has stored the result.
    /// </summary>
    public Task<Claim> ClaimAsync(SessionId id, int version, string owner, TimeSpan lease, CancellationToken ct) =>
        PostgresErrors.MapAsync<Claim>("token", async () =>
        {
            await using var command = database.Command("""
                with before as (
                  select session_id, lease_until is not null as unfinished from {own}.session_token
                  where session_id = $1 and token_version = $2
                    and (lease_until is null or lease_until < clock_timestamp()) for update)
                update {own}.session_token t set lease_owner = $3, lease_until = clock_timestamp() + $4
                from before where t.session_id = before.session_id
                returning t.token_version, t.key_id, t.sealed, t.refresh_issued_at, before.unfinished
                """, id.Value, version, owner, lease);
            await using (var reader = await command.ExecuteReaderAsync(ct))
            {
                if (await reader.ReadAsync(ct))
                {
                    return new Claim.Won(new StoredTokens(reader.GetInt32(0),
                        new SealedSecret(reader.GetString(1), reader.GetFieldValue<byte[]>(2)),
                        reader.GetFieldValue<DateTimeOffset>(3), reader.GetBoolean(4)));
                }
            }

            await using var wait = database.Command(
                "update {own}.session_token set waiting = true where session_id = $1 and token_version = $2", id.Value, version);
            return await wait.ExecuteNonQueryAsync(ct) > 0 ? new Claim.Busy() : new Claim.Outdated();
        }, ct);

    /// <summary>Gives the lease back when no new tokens were stored.</summary>
    /// <param name="used">The IdP may have used up the refresh token: the next holder must know (<see cref="StoredTokens.Unfinished"/>).</param>
    public Task ReleaseAsync(SessionId id, int version, string owner, bool used, CancellationToken ct) =>
        PostgresErrors.MapAsync("token", async () =>
        {
            await using var batch = database.Source.CreateBatch();
            batch.BatchCommands.Add(database.Part("""
                update {own}.session_token set lease_owner = null, lease_until = case when $4 then clock_timestamp() end
                where session_id = $1 and token_version = $2 and lease_owner = $3
                """, id.Value, version, owner, used));
            batch.BatchCommands.Add(database.Part("select pg_notify('{own}_refreshed', $1)", id.ToString()));
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
}
