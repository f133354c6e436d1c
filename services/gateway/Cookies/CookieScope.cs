using EventAuth.Adapters.Settings;

namespace EventAuth.Gateway.Cookies;

/// <summary>The hosts to which browsers send our cookies: the public one, or all of a domain.</summary>
internal static class CookieScope
{
    public static bool Reaches(string host, EventAuthSettings settings) =>
        settings.Session.CookieDomain is { } domain
            ? host.Equals(domain, StringComparison.OrdinalIgnoreCase) || host.EndsWith("." + domain, StringComparison.OrdinalIgnoreCase)
            : host.Equals(settings.PublicUrl.IdnHost, StringComparison.OrdinalIgnoreCase);

    public static string Name(EventAuthSettings settings) => settings.Session.CookieDomain ?? settings.PublicUrl.IdnHost;
}
