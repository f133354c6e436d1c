using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;

namespace EventAuth.Domain.Login;

/// <summary>
/// The rules for the claims of an ID token whose signature has been verified (OpenID Connect Core 3.1.3.7 and 12.2).
/// One method, one rule; the first that fails names the refusal.
/// </summary>
public static class IdTokenRules
{
    /// <summary>How far the IdP's clock may be from ours.</summary>
    public static readonly TimeSpan Skew = TimeSpan.FromSeconds(60);

    /// <summary>A token is fresh from the token endpoint; an older one was made for something else.</summary>
    public static readonly TimeSpan MaxIssuedAge = TimeSpan.FromMinutes(10);

    private const string LogoutEvent = "events";

    /// <summary>Checks header and claims, in the order of the specification.</summary>
    public static IdTokenVerdict Check(
        JsonElement header, JsonElement claims, IdTokenExpectations expected, DateTimeOffset now)
    {
        if (claims.ValueKind != JsonValueKind.Object || header.ValueKind != JsonValueKind.Object)
        {
            return Refuse("format", "the token is not an object");
        }

        return CheckKind(header, claims)
            ?? CheckParties(claims, expected)
            ?? CheckTimes(claims, expected, now)
            ?? CheckBinding(header, claims, expected)
            ?? Accept(claims);
    }

    // RFC 8725 3.11: a token made for another purpose is not an ID token, even when its signature holds.
    private static IdTokenVerdict? CheckKind(JsonElement header, JsonElement claims)
    {
        if (JsonClaims.MediaType(header) is not ("" or "jwt"))
        {
            return Refuse("typ", "the token is of another kind");
        }

        return claims.TryGetProperty(LogoutEvent, out _) ? Refuse("events", "a security event is no ID token") : null;
    }

    private static IdTokenVerdict? CheckParties(JsonElement claims, IdTokenExpectations expected)
    {
        if (!JsonClaims.Is(claims, "iss", expected.Issuer))
        {
            return new IdTokenVerdict.Refused("iss", "the token is of another issuer", IdentityChanged: expected.Subject is not null);
        }

        if (!JsonClaims.IsForClient(claims, expected.ClientId))
        {
            return Refuse("aud", "the token is not for this client alone");
        }

        if (!JsonClaims.TryIdentifier(claims, "sub", out var sub))
        {
            return Refuse("sub", "sub must be text of 1 to 255 characters");
        }

        if (expected.Subject is { } subject && !string.Equals(sub, subject, StringComparison.Ordinal))
        {
            return new IdTokenVerdict.Refused("sub-changed", "the token is of another person", IdentityChanged: true);
        }

        return JsonClaims.TryOptionalIdentifier(claims, "sid", out _)
            ? null
            : Refuse("sid", "sid must be text of 1 to 255 characters");
    }

    private static IdTokenVerdict? CheckTimes(JsonElement claims, IdTokenExpectations expected, DateTimeOffset now)
    {
        if (!JsonClaims.TryTime(claims, "exp", out var expiresAt))
        {
            return Refuse("exp", "exp is missing or no time");
        }

        if (now >= expiresAt + Skew)
        {
            return Refuse("exp-passed", "the token has expired");
        }

        if (!JsonClaims.TryTime(claims, "iat", out var issuedAt))
        {
            return Refuse("iat", "iat is missing or no time");
        }

        if (issuedAt > now + Skew)
        {
            return Refuse("iat-future", "the token was issued in the future");
        }

        if (issuedAt < now - MaxIssuedAge)
        {
            return Refuse("iat-old", "the token was issued long ago");
        }

        if (!JsonClaims.TryOptionalTime(claims, "nbf", out var notBefore) || notBefore > now + Skew)
        {
            return Refuse("nbf", "the token is not valid yet");
        }

        return CheckAuthenticationTime(claims, expected, now);
    }

    private static IdTokenVerdict? CheckAuthenticationTime(
        JsonElement claims, IdTokenExpectations expected, DateTimeOffset now)
    {
        if (!JsonClaims.TryOptionalTime(claims, "auth_time", out var authenticatedAt))
        {
            return Refuse("auth_time", "auth_time is no time");
        }

        return expected.MaxAge is { } maxAge && !(authenticatedAt >= now - maxAge - Skew)
            ? Refuse("auth_time-old", "the person signed in too long ago")
            : null;
    }

    private static IdTokenVerdict? CheckBinding(JsonElement header, JsonElement claims, IdTokenExpectations expected)
    {
        if (expected.Nonce is { } nonce && !JsonClaims.Is(claims, "nonce", nonce))
        {
            return Refuse("nonce", "the token belongs to another sign-in");
        }

        if (expected.AccessToken is not { } accessToken || !claims.TryGetProperty("at_hash", out _))
        {
            return null;
        }

        return AccessTokenHash(header, accessToken) is { } hash && JsonClaims.Is(claims, "at_hash", hash)
            ? null
            : Refuse("at_hash", "the access token belongs to another ID token");
    }

    private static IdTokenVerdict Accept(JsonElement claims)
    {
        _ = JsonClaims.TryIdentifier(claims, "sub", out var sub);
        _ = JsonClaims.TryOptionalIdentifier(claims, "sid", out var sid);
        _ = JsonClaims.TryTime(claims, "iat", out var issuedAt);
        _ = JsonClaims.TryTime(claims, "exp", out var expiresAt);
        _ = JsonClaims.TryOptionalTime(claims, "auth_time", out var authenticatedAt);
        var issuer = claims.GetProperty("iss").GetString()!;
        return new IdTokenVerdict.Accepted(new IdTokenClaims(issuer, sub, sid, issuedAt, expiresAt, authenticatedAt, claims));
    }

    // OpenID Connect Core 3.1.3.6: left half of the hash that belongs to the signature's algorithm.
    private static string? AccessTokenHash(JsonElement header, string accessToken)
    {
        var bytes = Encoding.ASCII.GetBytes(accessToken);
        var algorithm = header.TryGetProperty("alg", out var alg) && alg.ValueKind == JsonValueKind.String ? alg.GetString()! : "";
        var hash = algorithm switch
        {
            [_, _, '2', '5', '6'] => SHA256.HashData(bytes),
            [_, _, '3', '8', '4'] => SHA384.HashData(bytes),
            [_, _, '5', '1', '2'] => SHA512.HashData(bytes),
            _ => [],
        };
        return hash.Length == 0 ? null : Base64Url.EncodeToString(hash.AsSpan(0, hash.Length / 2));
    }

    private static IdTokenVerdict.Refused Refuse(string rule, string description) => new(rule, description, IdentityChanged: false);
}
