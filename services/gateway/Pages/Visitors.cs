using System.Buffers.Text;
using System.Security.Cryptography;
using EventAuth.Adapters.Postgres;
using EventAuth.Adapters.Settings;
using EventAuth.Contracts;
using EventAuth.Domain.Access;
using EventAuth.Domain.Sessions;
using EventAuth.Gateway.Cookies;

namespace EventAuth.Gateway.Pages;

/// <summary>Somebody with a live session who looks at our own pages and APIs.</summary>
/// <param name="FormToken">What our forms carry, and no other site can know: derived from the cookie, and no way back.</param>
internal sealed record Visitor(SessionRow Session, SubjectKey Key, string FormToken)
{
    /// <summary>Who the rules see.</summary>
    public Identity Identity => new()
    {
        SubjectKey = Key,
        Issuer = Session.Subject.Issuer,
        Sub = Session.Subject.Sub,
        Email = Session.Email,
        Name = Session.Name,
        Groups = Session.Groups,
        Roles = Session.Roles,
    };

    /// <summary>Whether a form of ours was sent by this browser; compared without telling how much is equal.</summary>
    public bool Signed(string? formToken) => formToken is not null && CryptographicOperations.FixedTimeEquals(
        System.Text.Encoding.UTF8.GetBytes(formToken), System.Text.Encoding.UTF8.GetBytes(FormToken));

    /// <summary>Shows neither the token nor who it is.</summary>
    public override string ToString() => $"visitor {Key}";
}

/// <summary>Finds out who looks at our own pages: from the cookie and the store, never from memory.</summary>
internal sealed class Visitors(SessionIndex sessions, EventAuthSettings settings, TimeProvider clock)
{
    /// <summary>Null when there is no live session: no cookie, an unreadable one, or a session that is over.</summary>
    public async Task<Visitor?> FindAsync(HttpContext http, CancellationToken ct)
    {
        if (ReadSecret(http.Request.Headers) is not { } secret)
        {
            return null;
        }

        var row = await sessions.FindAsync(SessionId.OfSecret(secret), ct);
        return row is not null && IsLive(row) ? new Visitor(row, row.Subject.Key, FormToken(secret)) : null;
    }

    private bool IsLive(SessionRow row)
    {
        var now = clock.GetUtcNow();
        return !row.IsOver && now < row.ExpiresAt && !SessionClock.IsIdle(now, row.SeenAt ?? row.IssuedAt, settings.Session.Idle);
    }

    private byte[]? ReadSecret(IHeaderDictionary headers)
    {
        var secret = new byte[SessionId.SecretLength];
        return SessionCookie.TryRead(headers, settings.Session.CookieName, secret) == CookieReading.Found ? secret : null;
    }

    private static string FormToken(byte[] secret) =>
        Base64Url.EncodeToString(SHA256.HashData([.. "eventauth-form\n"u8, .. secret]));
}
