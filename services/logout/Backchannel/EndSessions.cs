using System.Security.Cryptography;
using System.Text;
using EventAuth.Adapters.Postgres;
using EventAuth.Adapters.Refresh;
using EventAuth.Adapters.Sessions;
using EventAuth.Contracts;
using EventAuth.Domain.Logout;

namespace EventAuth.Logout.Backchannel;

/// <summary>Does what an accepted logout token says: one revocation, and the token remembered, in one transaction.</summary>
public sealed class EndSessions(SessionIndex index, Revocations revocations)
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
        try
        {
            var cause = CauseOf(issuer, logout, token);
            if (logout.Sid is not { } sid)
            {
                return Answer(await revocations.RevokeSubjectAsync(new Subject(issuer, logout.Sub!), cause, ct));
            }

            // A token that names another person than the session has is wrong in a way that no retry mends.
            var known = await index.OfProviderSessionAsync(ProviderSessionKey.Of(issuer, sid), ct);
            if (logout.Sub is { } sub && known.Any(s => s.Subject.Sub != sub))
            {
                return Refuse("sub-sid-mismatch", "the session of this sid belongs to another sub");
            }

            return Answer(known.Count == 0 && await HasSessionsWithoutSidAsync(issuer, logout.Sub, ct)
                ? await revocations.RevokeSubjectAsync(new Subject(issuer, logout.Sub!), cause, ct)
                : await revocations.RevokeProviderSessionAsync(
                    issuer, logout.Sub ?? (known is [var first, ..] ? first.Subject.Sub : null), sid, cause, ct));
        }
        catch (TokenIdReusedException)
        {
            return Refuse("jti-reused", "another token with this jti was seen");
        }
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

    private static LogoutAnswer.Done Answer(RevocationReceipt receipt) => new(receipt.Fresh, receipt.Position);

    private static LogoutAnswer.Refused Refuse(string rule, string description) =>
        new(StatusCodes.Status400BadRequest, rule, description);
}
