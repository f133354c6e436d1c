using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text.Json;
using System.Text.Json.Serialization;
using EventAuth.Adapters.Postgres;
using EventAuth.Adapters.Secrets;
using EventAuth.Contracts;
using EventAuth.Domain.Login;

namespace EventAuth.Gateway.Login;

/// <summary>A login that was taken back from the store.</summary>
/// <param name="BindingHash">Of the browser that began it.</param>
/// <param name="Again">It replaces one that a sign-out had overtaken.</param>
/// <param name="CorrelationId">Joins the events it leads to; says nothing about the state.</param>
internal sealed record PendingLogin(LoginAttempt Attempt, Guid BindingHash, bool Again, string CorrelationId);

/// <summary>Logins between leaving for the IdP and coming back. The store sees hashes and a sealed payload.</summary>
internal sealed class PendingLogins(LoginAttempts attempts, TokenVault vault, LoginLog log)
{
    private const string Purpose = "login-attempt";

    /// <summary>256 random bits: for states, nonces and PKCE verifiers.</summary>
    public static string NewSecret() => Base64Url.EncodeToString(RandomNumberGenerator.GetBytes(32));

    /// <summary>Stores a login; its position in the feed is that of this moment.</summary>
    public Task SaveAsync(string state, Guid bindingHash, LoginAttempt attempt, bool again, CancellationToken ct)
    {
        var owner = HashOf(state);
        var payload = new Payload(
            attempt.Issuer, attempt.Nonce, attempt.CodeVerifier, attempt.ReturnUrl, attempt.StartedAt, again);
        var secret = vault.Seal(JsonSerializer.SerializeToUtf8Bytes(payload), Purpose, owner);
        return attempts.SaveAsync(owner, bindingHash, secret, attempt.StartedAt + LoginAttempt.Lifetime, ct);
    }

    /// <summary>Takes a login out: the same state never succeeds twice. Null when unknown, used or unreadable.</summary>
    public async Task<PendingLogin?> TakeAsync(string state, CancellationToken ct)
    {
        var owner = HashOf(state);
        if (await attempts.TakeAsync(owner, ct) is not { } stored)
        {
            return null;
        }

        try
        {
            var payload = JsonSerializer.Deserialize<Payload>(vault.Open(stored.Secret, Purpose, owner))
                ?? throw new SealBrokenException("a pending login holds JSON null");
            var attempt = new LoginAttempt(
                payload.Issuer, payload.Nonce, payload.Verifier, payload.ReturnUrl, stored.Position, payload.StartedAt);
            return new PendingLogin(attempt, stored.BindingHash, payload.Again, $"login:{owner:N}");
        }
        catch (SealBrokenException e)
        {
            // Its key was taken out of the ring meanwhile: to the browser as good as expired.
            log.AttemptUnreadable(e.Message);
            return null;
        }
    }

    private static Guid HashOf(string state) => KeyHash.Of("login-state", state);

    private sealed record Payload(
        [property: JsonPropertyName("i")] string Issuer,
        [property: JsonPropertyName("n")] string Nonce,
        [property: JsonPropertyName("v")] string Verifier,
        [property: JsonPropertyName("r")] string ReturnUrl,
        [property: JsonPropertyName("t")] DateTimeOffset StartedAt,
        [property: JsonPropertyName("o")] bool Again);
}
