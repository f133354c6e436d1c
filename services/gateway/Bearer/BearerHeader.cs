using Microsoft.Extensions.Primitives;

namespace EventAuth.Gateway.Bearer;

/// <summary>What the <c>Authorization</c> header holds.</summary>
internal enum BearerReading
{
    /// <summary>Two headers, one of them ours: whichever we looked at, the application might look at the other.</summary>
    Several = 0,

    /// <summary>None, or of a scheme that is the application's own matter.</summary>
    None,

    /// <summary>Something said to be a bearer token; it may be anything, the empty text too.</summary>
    Found,
}

/// <summary>
/// Reads <c>Authorization: Bearer TOKEN</c> (RFC 6750, 2.1). Tokens in the query or in a form are never looked at: they end up
/// in logs and histories (RFC 9700, 4.3.2).
/// </summary>
internal static class BearerHeader
{
    private const string Scheme = "Bearer";

    public static BearerReading Read(in StringValues headers, out ReadOnlyMemory<char> token)
    {
        token = default;
        var reading = BearerReading.None;
        for (var i = 0; i < headers.Count; i++)
        {
            if (IsBearer(headers[i]))
            {
                reading = BearerReading.Found;
                token = headers[i].AsMemory(Scheme.Length).Trim(' ');
            }
        }

        return reading == BearerReading.Found && headers.Count > 1 ? BearerReading.Several : reading;
    }

    // The scheme's case does not matter (RFC 9110, 11.1).
    private static bool IsBearer(string? header) =>
        header is not null
        && header.StartsWith(Scheme, StringComparison.OrdinalIgnoreCase)
        && (header.Length == Scheme.Length || header[Scheme.Length] == ' ');
}
