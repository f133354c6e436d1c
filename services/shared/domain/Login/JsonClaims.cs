using System.Text.Json;

namespace EventAuth.Domain.Login;

/// <summary>Reads claims of a token exactly: a claim of the wrong JSON type is never converted.</summary>
internal static class JsonClaims
{
    /// <summary>Longest subject (OpenID Connect Core 2), and our limit for every other identifier.</summary>
    public const int MaxIdentifierLength = 255;

    // Year 5138. A larger number is no date, and adding the skew to it could overflow.
    private const double LatestSeconds = 100_000_000_000;

    /// <summary>A string of 1 to 255 characters, none of them NUL: such a string can't be stored.</summary>
    public static bool TryIdentifier(JsonElement claims, string name, out string value)
    {
        value = "";
        if (!claims.TryGetProperty(name, out var claim) || claim.ValueKind != JsonValueKind.String)
        {
            return false;
        }

        value = claim.GetString()!;
        return value.Length is > 0 and <= MaxIdentifierLength && !value.Contains('\0');
    }

    /// <summary>An identifier that may be missing; false when it is there and wrong.</summary>
    public static bool TryOptionalIdentifier(JsonElement claims, string name, out string? value)
    {
        value = null;
        if (!claims.TryGetProperty(name, out _))
        {
            return true;
        }

        var ok = TryIdentifier(claims, name, out var text);
        value = ok ? text : null;
        return ok;
    }

    /// <summary>Exactly this text, compared byte for byte.</summary>
    public static bool Is(JsonElement claims, string name, string expected) =>
        claims.TryGetProperty(name, out var claim)
        && claim.ValueKind == JsonValueKind.String
        && string.Equals(claim.GetString(), expected, StringComparison.Ordinal);

    /// <summary>A NumericDate (RFC 7519, 2) in the range of real dates; fractions are allowed.</summary>
    public static bool TryTime(JsonElement claims, string name, out DateTimeOffset time)
    {
        time = default;
        if (!claims.TryGetProperty(name, out var claim)
            || claim.ValueKind != JsonValueKind.Number
            || !claim.TryGetDouble(out var seconds)
            || !(seconds >= 0 && seconds <= LatestSeconds))
        {
            return false;
        }

        time = DateTimeOffset.UnixEpoch.AddSeconds(seconds);
        return true;
    }

    /// <summary>A time that may be missing; false when it is there and wrong.</summary>
    public static bool TryOptionalTime(JsonElement claims, string name, out DateTimeOffset? time)
    {
        time = null;
        if (!claims.TryGetProperty(name, out _))
        {
            return true;
        }

        var ok = TryTime(claims, name, out var value);
        time = ok ? value : null;
        return ok;
    }

    /// <summary>
    /// The audience is this client and nobody else: we trust no other client, so a second audience is refused
    /// (OpenID Connect Core 3.1.3.7, 3). <c>azp</c>, if there, is this client too (3.1.3.7, 5).
    /// </summary>
    public static bool IsForClient(JsonElement claims, string clientId)
    {
        if (claims.TryGetProperty("azp", out _) && !Is(claims, "azp", clientId))
        {
            return false;
        }

        if (!claims.TryGetProperty("aud", out var audience))
        {
            return false;
        }

        return audience.ValueKind switch
        {
            JsonValueKind.String => IsText(audience, clientId),
            JsonValueKind.Array => audience.GetArrayLength() > 0 && audience.EnumerateArray().All(a => IsText(a, clientId)),
            _ => false,
        };
    }

    /// <summary>The header's <c>typ</c> in lower case without <c>application/</c>; empty when absent; null when it is no text.</summary>
    public static string? MediaType(JsonElement header)
    {
        const string Prefix = "application/";
        if (!header.TryGetProperty("typ", out var type))
        {
            return "";
        }

        if (type.ValueKind != JsonValueKind.String || type.GetString() is not { Length: > 0 } text)
        {
            return null;
        }

        var lower = text.ToLowerInvariant();
        return lower.StartsWith(Prefix, StringComparison.Ordinal) ? lower[Prefix.Length..] : lower;
    }

    private static bool IsText(JsonElement element, string expected) =>
        element.ValueKind == JsonValueKind.String && string.Equals(element.GetString(), expected, StringComparison.Ordinal);
}
