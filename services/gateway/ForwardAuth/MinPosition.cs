using System.Globalization;
using Microsoft.Extensions.Primitives;

namespace EventAuth.Gateway.ForwardAuth;

/// <summary>
/// <c>X-Min-Position</c>: a revocation answered with its position, and whoever must not race it demands a decision that rests
/// on at least that much of the feed, at whichever replica (Zanzibar's zookie).
/// </summary>
internal static class MinPosition
{
    public const string Header = "X-Min-Position";

    /// <summary>A positive whole number, given once.</summary>
    public static bool TryRead(StringValues header, out long position) =>
        long.TryParse(header.Count == 1 ? header[0] : null, NumberStyles.None, CultureInfo.InvariantCulture, out position) && position > 0;
}
