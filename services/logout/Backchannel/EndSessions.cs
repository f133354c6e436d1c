using System.Security.Cryptography;
using System.Text;
using EventAuth.Adapters.Postgres;
using EventAuth.Adapters.Refresh;
using EventAuth.Adapters.Sessions;
using EventAuth.Contracts;
using EventAuth.Domain.Logout;

namespace EventAuth.Logout.Backchannel;

/// <summary>Does what an accepted logout token says: one revocation, and the token remembered, in one transaction.</summary>
public sealed class EndSessions(SessionIndex index, Revocations revocations, OfflineAccess offline)
{
    // More live sessions of one person are not looked through.
    private const int MaxLooked = 1000;

    /// <summary>
    /// Ends the sessions of the token's sid; when it has none, all of its subject's. So too when we know no session of that
    /// sid but some of the subject's without any: an IdP that tells no sid in ID tokens leaves open which of them it is.
    /// </summary>
    /// <exception cref="StoreUnavailableException">Nothing is known to be stored.</exception>
    public async Task<LogoutAnswer> EndAsync(
        string issuer, LogoutTokenVerdict.Accepted logout, string token, CancellationToken ct)
    {
        var whom = await FindAsync(issuer, logout, ct);
        if (whom is null)
        {
            return Refuse("sub-sid-mismatch", "the session of this sid belongs to another sub");
        }

        try
        {
            var tokens = logout.RevokesOfflineAccess ? await offline.ReadAsync(whom.Key, ct) : [];
            var cause = CauseOf(issuer, logout, token);
            var receipt = whom.Sid is { } sid
                ? await revocations.RevokeProviderSessionAsync(issuer, whom.Sub, sid, cause, ct)
                : await revocations.RevokeSubjectAsync(new Subject(issuer, whom.Sub!), cause, ct);
            if (receipt.Fresh)
            {
                offline.Revoke(issuer, tokens);
            }

            return new LogoutAnswer.Done(receipt.Fresh, receipt.Position);
        }
        catch (TokenIdReusedException)
        {
            return Refuse("jti-reused", "another token with this jti was seen");
        }
    }

    // Null: the token names another person than the session has, which no retry mends.
    private async Task<Whom?> FindAsync(string issuer, LogoutTokenVerdict.Accepted logout, CancellationToken ct)
    {
        if (logout.Sid is not { } sid)
        {
            return new Whom(issuer, logout.Sub, Sid: null);
        }

        var known = await index.OfProviderSessionAsync(ProviderSessionKey.Of(issuer, sid), ct);
        if (logout.Sub is { } sub && known.Any(s => s.Subject.Sub != sub))
        {
            return null;
        }

        return known.Count == 0 && await HasSessionsWithoutSidAsync(issuer, logout.Sub, ct)
            ? new Whom(issuer, logout.Sub, Sid: null)
            : new Whom(issuer, logout.Sub ?? (known is [var first, ..] ? first.Subject.Sub : null), sid);
    }

    private async Task<bool> HasSessionsWithoutSidAsync(string issuer, string? sub, CancellationToken ct) =>
        sub is not null
        && (await index.ListAsync(new Subject(issuer, sub).Key, live: true, before: null, MaxLooked, ct)).Any(s => s.Sid is null && !s.IsOver);

    private static RevocationCause CauseOf(string issuer, LogoutTokenVerdict.Accepted logout, string token)
    {
        var key = KeyHash.Of("logout-token", issuer, logout.Jti);
        var seen = new SeenToken(key, SHA256.HashData(Encoding.UTF8.GetBytes(token)), logout.ExpiresAt + LogoutTokenRules.Skew);
        return new RevocationCause(EndReason.BackchannelLogout, "backchannel", logout.Jti, Actor: null, CorrelationOf(issuer, logout.Jti), seen);
    }

    /// <summary>Joins the log, the revocation and the ends of one logout token.</summary>
    internal static string CorrelationOf(string issuer, string jti) => $"logout-token:{KeyHash.Of("logout-token", issuer, jti):N}";

    private static LogoutAnswer.Refused Refuse(string rule, string description) =>
        new(StatusCodes.Status400BadRequest, rule, description);

    /// <summary>Whose sessions end: those of one sid, or all of a subject.</summary>
    private sealed record Whom(string Issuer, string? Sub, string? Sid)
    {
        public Guid Key => Sid is null ? new Subject(Issuer, Sub!).Key.Value : ProviderSessionKey.Of(Issuer, Sid).Value;
    }
}
