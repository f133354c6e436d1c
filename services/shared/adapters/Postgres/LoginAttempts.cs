using EventAuth.Adapters.Secrets;

namespace EventAuth.Adapters.Postgres;

/// <summary>What is kept of a login between leaving for the IdP and coming back: sealed, for ten minutes, for one use.</summary>
public sealed record StoredAttempt(Guid StateHash, Guid BindingHash, SealedSecret Secret, long Position, DateTimeOffset ExpiresAt);

/// <summary>Pending logins.</summary>
public sealed class LoginAttempts(Database database)
{
    /// <summary>Pending logins of one browser; the oldest give way.</summary>
    private const int PerBrowser = 20;

    /// <summary>Stores an attempt; its position is the feed's head at this moment.</summary>
    public Task SaveAsync(Guid stateHash, Guid bindingHash, SealedSecret secret, DateTimeOffset expiresAt, CancellationToken ct) =>
        PostgresErrors.MapAsync("login", async () =>
        {
            await using var batch = database.Source.CreateBatch();
            batch.BatchCommands.Add(database.Part("""
                insert into {own}.login_attempt (state_hash, binding_hash, key_id, sealed, position, expires_at)
                values ($1, $2, $3, $4, (select coalesce(max(position), 0) from {own}.revocation), $5)
                """, stateHash, bindingHash, secret.KeyId, secret.Bytes, expiresAt));
            batch.BatchCommands.Add(database.Part("select {own}.trim_attempts($1, $2)", bindingHash, PerBrowser));
            await batch.ExecuteNonQueryAsync(ct);
            return true;
        }, ct);

    /// <summary>Takes an attempt away: the same state never succeeds twice. Null when unknown or used.</summary>
    public Task<StoredAttempt?> TakeAsync(Guid stateHash, CancellationToken ct) =>
        PostgresErrors.MapAsync<StoredAttempt?>("login", async () =>
        {
            await using var command = database.Command("""
                delete from {own}.login_attempt where state_hash = $1
                returning binding_hash, key_id, sealed, position, expires_at
                """, stateHash);
            await using var reader = await command.ExecuteReaderAsync(ct);
            return await reader.ReadAsync(ct)
                ? new StoredAttempt(stateHash, reader.GetGuid(0),
                    new SealedSecret(reader.GetString(1), reader.GetFieldValue<byte[]>(2)), reader.GetInt64(3),
                    reader.GetFieldValue<DateTimeOffset>(4))
                : null;
        }, ct);
}
