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
    /// <summary>Ends the sessions of the token's sid; when it has none, all of its subject's.</summary>
    /// <exception cref="StoreUnavailableException">Nothing is known to be stored.</exception>
    public async Task<LogoutAnswer> EndAsync(
        string issuer, LogoutTokenVerdict.Accepted logout, string token, CancellationToken ct)
    {
        if (IsUnstorable(logout.Jti) || IsUnstorable(logout.Sub) || IsUnstorable(logout.Sid))
        {
            return Refuse("unstorable", "an identifier of the token holds a NUL character");
        }

        try
        {
            var cause = CauseOf(issuer, logout, token);
            if (logout.Sid is not { } sid)
            {
                return Answer(await revocations.RevokeSubjectAsync(new Subject(issuer, logout.Sub!), cause, ct));
            }

            // A token that names another person than the session has is wrong in a way that no retry mends.
            var known = await index.OfProviderSessionAsync(ProviderSessionKey.Of(issuer, sid), ct);
            return logout.Sub is { } sub && known.Any(s => s.Subject.Sub != sub)
                ? Refuse("sub-sid-mismatch", "the session of this sid belongs to another sub")
                : Answer(await revocations.RevokeProviderSessionAsync(
                    issuer, logout.Sub ?? (known is [var first, ..] ? first.Subject.Sub : null), sid, cause, ct));
        }
        catch (TokenIdReusedException)
        {
            return Refuse("jti-reused", "another token with this jti was seen");
        }
    }

    private static RevocationCause CauseOf(string issuer, LogoutTokenVerdict.Accepted logout, string token)
    {
        var key = KeyHash.Of("logout-token", issuer, logout.Jti);
        var seen = new SeenToken(key, SHA256.HashData(Encoding.UTF8.GetBytes(token)), logout.ExpiresAt + LogoutTokenRules.Skew);
        return new RevocationCause(EndReason.BackchannelLogout, "backchannel", logout.Jti, Actor: null, CorrelationOf(issuer, logout.Jti), seen);
    }

    /// <summary>Joins the log, the revocation and the ends of one logout token.</summary>
    internal static string CorrelationOf(string issuer, string jti) => $"logout-token:{KeyHash.Of("logout-token", issuer, jti):N}";

    private static bool IsUnstorable(string? text) => text?.Contains('\0') == true;

    private static LogoutAnswer.Done Answer(RevocationReceipt receipt) => new(receipt.Fresh, receipt.Position);

    private static LogoutAnswer.Refused Refuse(string rule, string description) =>
        new(StatusCodes.Status400BadRequest, rule, description);
}
