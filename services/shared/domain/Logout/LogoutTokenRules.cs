using System.Text.Json;
using EventAuth.Domain.Login;

namespace EventAuth.Domain.Logout;

/// <summary>
/// The rules for a logout token whose signature has been verified (Back-Channel Logout 1.0, 2.6), in its order:
/// kind, parties, times, whom it is about, what happened, no nonce, an id. The first that fails names the refusal.
/// </summary>
public static class LogoutTokenRules
{
    /// <summary>How far the IdP's clock may be from ours.</summary>
    public static readonly TimeSpan Skew = TimeSpan.FromSeconds(60);

    /// <summary>An older token is not a message about now.</summary>
    public static readonly TimeSpan MaxAge = TimeSpan.FromSeconds(300);

    private const string LogoutEvent = "http://schemas.openid.net/event/backchannel-logout";

    // Keycloak's, beside the event and not in it; as with every member that is not ours, nothing but its plain true counts.
    private const string OfflineAccess = "revoke_offline_access";

    /// <summary>Checks header and claims.</summary>
    public static LogoutTokenVerdict Check(
        JsonElement header, JsonElement claims, LogoutTokenExpectations expected, DateTimeOffset now)
    {
        if (claims.ValueKind != JsonValueKind.Object || header.ValueKind != JsonValueKind.Object)
        {
            return Refuse("format", "the token is not an object");
        }

        return CheckKind(header, expected)
            ?? CheckParties(claims, expected)
            ?? CheckTimes(claims, expected, now)
            ?? CheckContent(claims)
            ?? Accept(claims);
    }

    // Without RequireType an absent typ or JWT passes: the conformance suite and older Keycloak send no other.
    private static LogoutTokenVerdict? CheckKind(JsonElement header, LogoutTokenExpectations expected) =>
        JsonClaims.MediaType(header) switch
        {
            "logout+jwt" => null,
            "" or "jwt" when !expected.RequireType => null,
            _ => Refuse("typ", "typ must be logout+jwt"),
        };

    private static LogoutTokenVerdict? CheckParties(JsonElement claims, LogoutTokenExpectations expected)
    {
        if (!JsonClaims.Is(claims, "iss", expected.Issuer))
        {
            return Refuse("iss", "the token is of another issuer");
        }

        return JsonClaims.IsForClient(claims, expected.ClientId) ? null : Refuse("aud", "the token is not for this client alone");
    }

    private static LogoutTokenVerdict? CheckTimes(JsonElement claims, LogoutTokenExpectations expected, DateTimeOffset now)
    {
        if (!JsonClaims.TryTime(claims, "iat", out var issuedAt))
        {
            return Refuse("iat", "iat is missing or no time");
        }

        if (issuedAt > now + Skew)
        {
            return Refuse("iat-future", "the token was issued in the future");
        }

        if (issuedAt < now - MaxAge)
        {
            return Refuse("iat-old", "the token was issued too long ago");
        }

        if (!JsonClaims.TryOptionalTime(claims, "nbf", out var notBefore) || notBefore > now + Skew)
        {
            return Refuse("nbf", "the token is not valid yet");
        }

        if (!JsonClaims.TryOptionalTime(claims, "exp", out var expiresAt) || (expiresAt is null && expected.RequireExpiry))
        {
            return Refuse("exp", "exp is missing or no time");
        }

        if (expiresAt < issuedAt)
        {
            return Refuse("exp-before-iat", "the token expired before it was issued");
        }

        return now >= expiresAt + Skew ? Refuse("exp-passed", "the token has expired") : null;
    }

    private static LogoutTokenVerdict? CheckContent(JsonElement claims)
    {
        if (!JsonClaims.TryOptionalIdentifier(claims, "sub", out var sub) || !JsonClaims.TryOptionalIdentifier(claims, "sid", out var sid))
        {
            return Refuse("sub-sid", "sub and sid must be text of 1 to 255 characters");
        }

        if (sub is null && sid is null)
        {
            return Refuse("sub-sid-missing", "the token names neither sub nor sid");
        }

        if (!claims.TryGetProperty("events", out var events)
            || events.ValueKind != JsonValueKind.Object
            || !events.TryGetProperty(LogoutEvent, out var logout)
            || logout.ValueKind != JsonValueKind.Object)
        {
            return Refuse("events", "events must have the back-channel logout member");
        }

        // Its mere presence: otherwise an ID token with events could be replayed as a logout token (2.4).
        if (claims.TryGetProperty("nonce", out _))
        {
            return Refuse("nonce", "a logout token has no nonce");
        }

        return JsonClaims.TryIdentifier(claims, "jti", out _) ? null : Refuse("jti", "jti must be text of 1 to 255 characters");
    }

    private static LogoutTokenVerdict Accept(JsonElement claims)
    {
        _ = JsonClaims.TryIdentifier(claims, "jti", out var jti);
        _ = JsonClaims.TryOptionalIdentifier(claims, "sub", out var sub);
        _ = JsonClaims.TryOptionalIdentifier(claims, "sid", out var sid);
        _ = JsonClaims.TryTime(claims, "iat", out var issuedAt);
        _ = JsonClaims.TryOptionalTime(claims, "exp", out var expiresAt);
        var tooOld = issuedAt + MaxAge;
        return new LogoutTokenVerdict.Accepted(jti, sub, sid, issuedAt, expiresAt < tooOld ? expiresAt.Value : tooOld)
        {
            RevokesOfflineAccess = claims.GetProperty("events").TryGetProperty(OfflineAccess, out var offline)
                && offline.ValueKind == JsonValueKind.True,
        };
    }

    private static LogoutTokenVerdict.Refused Refuse(string rule, string description) => new(rule, description);
}
