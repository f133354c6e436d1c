using EventAuth.Adapters.Settings;

namespace EventAuth.Gateway.Pages;

/// <summary>Our own addresses, always absolute and always from the settings: proxies resolve relative ones in their own way.</summary>
internal static class OwnUrl
{
    public static string Of(EventAuthSettings settings, string pathAndQuery) =>
        settings.PublicUrl.GetLeftPart(UriPartial.Authority) + pathAndQuery;

    public static bool IsSecure(EventAuthSettings settings) => settings.PublicUrl.Scheme == Uri.UriSchemeHttps;
}
