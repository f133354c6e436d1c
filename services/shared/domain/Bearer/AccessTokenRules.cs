using System.Text.Json;
using EventAuth.Domain.Login;

namespace EventAuth.Domain.Bearer;

/// <summary>
/// The rules for an access token whose signature holds (RFC 9068, 4), in this order: kind, parties, times, person, what
/// the operator demands beside. The first that fails names the refusal.
/// </summary>
public static class AccessTokenRules
{
    // Members by which other tokens give themselves away where the issuer types all of them "JWT" (RFC 8725, 3.12).
    private static readonly string[] NeverInAccessTokens = ["nonce", "at_hash", "c_hash", "events"];

    private static readonly string[] NamesOfClients = ["azp", "client_id"];

    /// <summary>Checks header and claims.</summary>
    public static AccessTokenVerdict Check(JsonElement header, JsonElement claims, AccessTokenExpectations expected, DateTimeOffset now)
    {
        if (header.ValueKind != JsonValueKind.Object || claims.ValueKind != JsonValueKind.Object)
        {
            return Refuse("format", "the token is not an object");
        }

        return CheckKind(header, claims, expected)
            ?? (JsonClaims.Is(claims, "iss", expected.Issuer) ? null : Refuse("iss", "the token is of another issuer"))
            ?? CheckParties(claims, expected, audienceNeeded: true)
            ?? CheckTimes(claims, expected, now)
            ?? CheckPerson(claims, expected)
            ?? Accept(claims, expected);
    }

    /// <summary>
    /// Checks what the issuer says of a token that only it can read (RFC 7662, 2.2): <c>active</c> is JSON true, and
    /// whatever else it says is right.
    /// </summary>
    /// <param name="audienceNeeded">Whether an answer without <c>aud</c> is refused.</param>
    /// <param name="keptFor">How long the answer counts; <c>exp</c> can only shorten it.</param>
    public static AccessTokenVerdict CheckIntrospected(
        JsonElement claims, AccessTokenExpectations expected, bool audienceNeeded, TimeSpan keptFor, DateTimeOffset now)
    {
        if (!claims.TryGetProperty("active", out var active) || active.ValueKind != JsonValueKind.True)
        {
            return Refuse("inactive", "the token is not active");
        }

        if (claims.TryGetProperty("iss", out _) && !JsonClaims.Is(claims, "iss", expected.Issuer))
        {
            return Refuse("iss", "the token is of another issuer");
        }

        if (!IsOfBearerType(claims))
        {
            return Refuse("token-type", "the token is no bearer token");
        }

        return CheckParties(claims, expected, audienceNeeded)
            ?? CheckOptionalTimes(claims, expected, now)
            ?? CheckPerson(claims, expected)
            ?? AcceptIntrospected(claims, expected, keptFor, now);
    }

    private static AccessTokenVerdict? CheckKind(JsonElement header, JsonElement claims, AccessTokenExpectations expected)
    {
        var type = JsonClaims.MediaType(header);
        if (type is null || !expected.Types.Contains(type.Length == 0 ? "jwt" : type))
        {
            return Refuse("typ", "the token is not of the type of an access token");
        }

        // Keycloak names the kind in the payload, Cognito in token_use.
        var isOther = NeverInAccessTokens.Any(n => claims.TryGetProperty(n, out _))
            || (claims.TryGetProperty("token_use", out _) && !JsonClaims.Is(claims, "token_use", "access"))
            || !IsKeycloakBearer(claims);
        return isOther ? Refuse("kind", "the token is an ID or logout token, or of another kind that is no credential") : null;
    }

    private static bool IsKeycloakBearer(JsonElement claims) => !claims.TryGetProperty("typ", out var type)
        || (type.ValueKind == JsonValueKind.String && string.Equals(type.GetString(), "Bearer", StringComparison.OrdinalIgnoreCase));

    private static bool IsOfBearerType(JsonElement claims) => !claims.TryGetProperty("token_type", out var type)
        || (type.ValueKind == JsonValueKind.String
            && type.GetString() is { } text
            && (text.Equals("Bearer", StringComparison.OrdinalIgnoreCase) || text.Equals("access_token", StringComparison.OrdinalIgnoreCase)));

    private static AccessTokenVerdict? CheckParties(JsonElement claims, AccessTokenExpectations expected, bool audienceNeeded)
    {
        // Bound to a key that this request does not prove (RFC 7800, 3; RFC 9449, 7.2; RFC 8705, 3).
        if (claims.TryGetProperty("cnf", out _))
        {
            return Refuse("cnf", "the token is bound to a key, it is no bearer token");
        }

        if ((audienceNeeded || claims.TryGetProperty("aud", out _)) && !IsForUs(claims, expected.Audiences))
        {
            return Refuse("aud", "the token is not for this audience");
        }

        if (expected.Clients.Count == 0)
        {
            return null;
        }

        string[] told = [.. NamesOfClients.Where(n => claims.TryGetProperty(n, out _))];
        return told.Length > 0 && told.All(n => expected.Clients.Any(c => JsonClaims.Is(claims, n, c)))
            ? null
            : Refuse("azp", "the token was issued to another client");
    }

    private static bool IsForUs(JsonElement claims, IReadOnlyList<string> audiences) =>
        claims.TryGetProperty("aud", out var audience) && audience.ValueKind switch
        {
            JsonValueKind.String => audiences.Contains(audience.GetString()!, StringComparer.Ordinal),
            JsonValueKind.Array => audience.EnumerateArray().All(a => a.ValueKind == JsonValueKind.String)
                && audience.EnumerateArray().Any(a => audiences.Contains(a.GetString()!, StringComparer.Ordinal)),
            _ => false,
        };

    private static AccessTokenVerdict? CheckTimes(JsonElement claims, AccessTokenExpectations expected, DateTimeOffset now)
    {
        if (!JsonClaims.TryTime(claims, "exp", out var expiresAt))
        {
            return Refuse("exp", "exp is missing or no time");
        }

        if (!JsonClaims.TryTime(claims, "iat", out var issuedAt))
        {
            return Refuse("iat", "iat is missing or no time");
        }

        return expiresAt + expected.Skew < issuedAt
            ? Refuse("exp-before-iat", "the token expired before it was issued")
            : CheckOptionalTimes(claims, expected, now);
    }

    private static AccessTokenVerdict? CheckOptionalTimes(JsonElement claims, AccessTokenExpectations expected, DateTimeOffset now)
    {
        if (!JsonClaims.TryOptionalTime(claims, "exp", out var expiresAt) || now >= expiresAt + expected.Skew)
        {
            return Refuse("exp-passed", "the token has expired");
        }

        if (!JsonClaims.TryOptionalTime(claims, "nbf", out var notBefore) || notBefore > now + expected.Skew)
        {
            return Refuse("nbf", "the token is not valid yet");
        }

        if (!JsonClaims.TryOptionalTime(claims, "iat", out var issuedAt) || issuedAt > now + expected.Skew)
        {
            return Refuse("iat-future", "the token was issued in the future");
        }

        return now >= issuedAt + expected.MaxAge ? Refuse("iat-old", "the token was issued too long ago") : null;
    }

    private static AccessTokenVerdict? CheckPerson(JsonElement claims, AccessTokenExpectations expected)
    {
        if (!JsonClaims.TryIdentifier(claims, "sub", out _))
        {
            return Refuse("sub", "sub must be text of 1 to 255 characters");
        }

        if (!JsonClaims.TryOptionalIdentifier(claims, "sid", out _) || !JsonClaims.TryOptionalIdentifier(claims, "jti", out _))
        {
            return Refuse("sid-jti", "sid and jti must be text of 1 to 255 characters");
        }

        return expected.Conditions.All(c => c.IsMetBy(claims)) ? null : Refuse("claims", "the token does not say what is demanded here");
    }

    private static AccessTokenVerdict.Accepted Accept(JsonElement claims, AccessTokenExpectations expected)
    {
        _ = JsonClaims.TryTime(claims, "exp", out var expiresAt);
        _ = JsonClaims.TryTime(claims, "iat", out var issuedAt);
        return Accept(claims, expected, issuedAt, Earlier(expiresAt + expected.Skew, issuedAt + expected.MaxAge));
    }

    private static AccessTokenVerdict.Accepted AcceptIntrospected(
        JsonElement claims, AccessTokenExpectations expected, TimeSpan keptFor, DateTimeOffset now)
    {
        _ = JsonClaims.TryOptionalTime(claims, "exp", out var expiresAt);
        _ = JsonClaims.TryOptionalTime(claims, "iat", out var issuedAt);
        var until = Earlier(now + keptFor, expiresAt + expected.Skew ?? DateTimeOffset.MaxValue);
        return Accept(claims, expected, issuedAt, Earlier(until, issuedAt + expected.MaxAge ?? DateTimeOffset.MaxValue));
    }

    private static AccessTokenVerdict.Accepted Accept(
        JsonElement claims, AccessTokenExpectations expected, DateTimeOffset? issuedAt, DateTimeOffset until)
    {
        _ = JsonClaims.TryIdentifier(claims, "sub", out var sub);
        _ = JsonClaims.TryOptionalIdentifier(claims, "sid", out var sid);
        _ = JsonClaims.TryOptionalIdentifier(claims, "jti", out var jti);
        var person = ClaimMapping.Map(claims, expected.GroupsClaim, expected.RolesClaim, expected.TrustEmail);
        return new AccessTokenVerdict.Accepted(new AccessTokenClaims(sub, sid, jti, issuedAt, until, Scopes(claims), person));
    }

    // RFC 8693, 4.2: one text with spaces; Entra and Okta write a list or "scp".
    private static string[] Scopes(JsonElement claims)
    {
        if (!claims.TryGetProperty("scope", out var scope) && !claims.TryGetProperty("scp", out scope))
        {
            return [];
        }

        return scope.ValueKind switch
        {
            JsonValueKind.String => scope.GetString()!.Split(' ', StringSplitOptions.RemoveEmptyEntries),
            JsonValueKind.Array => [.. scope.EnumerateArray().Where(s => s.ValueKind == JsonValueKind.String).Select(s => s.GetString()!)],
            _ => [],
        };
    }

    private static DateTimeOffset Earlier(DateTimeOffset a, DateTimeOffset b) => a < b ? a : b;

    private static AccessTokenVerdict.Refused Refuse(string rule, string description) => new(rule, description);
}
