using System.Security.Cryptography;
using EventAuth.Adapters.Secrets;
using EventAuth.Adapters.Sessions;
using EventAuth.Adapters.Settings;
using EventAuth.Contracts;
using EventAuth.Domain.Sessions;
using EventAuth.Gateway.Pages;

namespace EventAuth.Gateway.Login;

/// <summary>Begins the session of somebody the IdP vouched for, and ends the one the browser had before.</summary>
internal sealed class SessionOpening(
    SessionService sessions, SessionEnding ending, TokenVault vault, EventAuthSettings settings, TimeProvider clock, LoginLog log)
{
    private const int MaxUserAgentLength = 200;

    /// <summary>
    /// The secret of the new session's cookie. The old session ends only after the new one is stored; should that fail,
    /// the browser keeps what it had, and the new one's secret is never given out.
    /// </summary>
    /// <param name="before">Whoever was signed in at this browser (fixation: whatever cookie it brought, it gets a new one).</param>
    /// <exception cref="LoginOvertakenException">Somebody signed this person out while they were signing in.</exception>
    public async Task<byte[]> OpenAsync(
        PendingLogin login, Redemption.Vouched person, string? userAgent, Visitor? before, CancellationToken ct)
    {
        var now = clock.GetUtcNow();
        var secret = RandomNumberGenerator.GetBytes(SessionId.SecretLength);
        var id = SessionId.OfSecret(secret);
        var subject = new Subject(person.Identity.Issuer, person.Identity.Sub);
        var (access, refresh, idToken, accessExpiresAt) = person.Tokens;
        var tokens = new SessionTokens(access, refresh, idToken).Seal(vault, id);

        var command = new SessionCommand.Issue(
            subject, person.Identity.Sid, person.Provider.Settings.ClientId, person.Claims.Groups ?? [], person.Claims.Roles ?? [],
            login.Attempt.Position, now, settings.Session.Lifetime, accessExpiresAt, refresh is not null);
        var context = WriteContext.Because(login.CorrelationId) with
        {
            Tokens = new SealedTokens(tokens.KeyId, tokens.Bytes, now),
            Person = new PersonalData(person.Claims.Email, person.Claims.Name),
            UserAgent = Printable(userAgent),
            NextCheckAt = person.IsComplete ? now + settings.Revalidation.Interval : now,
        };
        await sessions.ExecuteAsync(id, command, context, ct);
        log.Completed(id, subject.Key);

        if (before is not null)
        {
            await ending.EndAsync(before.Session.Id, EndReason.Superseded, $"session {id}", subject.Key, login.CorrelationId, ct);
        }

        return secret;
    }

    private static string Printable(string? text)
    {
        var cut = text is null ? "" : text[..Math.Min(text.Length, MaxUserAgentLength)];
        return string.Concat(cut.Where(c => !char.IsControl(c) && !char.IsSurrogate(c)));
    }
}
