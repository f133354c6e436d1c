using EventAuth.Adapters.Settings;
using Microsoft.Extensions.Primitives;

namespace EventAuth.Gateway.Pages;

/// <summary>
/// Tells requests of our own pages, and of programs, from those that another site makes a browser send. Comes on top of
/// SameSite cookies and the forms' token; a request without either header comes from no browser of the last years.
/// </summary>
internal static class CrossSite
{
    public static bool Sent(HttpRequest request, EventAuthSettings settings) =>
        !IsOurs(request.Headers.Origin, settings.PublicUrl.GetLeftPart(UriPartial.Authority))
        || !IsOurs(request.Headers["Sec-Fetch-Site"], "same-origin", "none");

    private static bool IsOurs(StringValues header, params ReadOnlySpan<string> accepted) => header.Count switch
    {
        0 => true,
        1 => accepted.Contains(header[0] ?? ""),
        _ => false,
    };
}
