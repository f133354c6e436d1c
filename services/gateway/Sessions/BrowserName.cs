namespace EventAuth.Gateway.Sessions;

/// <summary>Makes "Firefox on Linux" of a User-Agent, so that people recognise their devices. A hint, nothing rests on it.</summary>
internal static class BrowserName
{
    private const int MaxUnknown = 60;

    // The order matters: most browsers claim to be several others.
    private static readonly (string Mark, string Name)[] Browsers =
    [
        ("Edg", "Edge"), ("OPR/", "Opera"), ("SamsungBrowser/", "Samsung Internet"), ("Firefox/", "Firefox"), ("FxiOS/", "Firefox"),
        ("CriOS/", "Chrome"), ("Chrome/", "Chrome"), ("Safari/", "Safari"), ("curl/", "curl"),
    ];

    private static readonly (string Mark, string Name)[] Systems =
    [
        ("iPhone", "iPhone"), ("iPad", "iPad"), ("Android", "Android"), ("Windows", "Windows"), ("CrOS", "ChromeOS"),
        ("Mac OS X", "Mac"), ("Linux", "Linux"),
    ];

    public static string Of(string? userAgent)
    {
        if (string.IsNullOrWhiteSpace(userAgent))
        {
            return "Unknown browser";
        }

        var browser = Find(Browsers, userAgent);
        var system = Find(Systems, userAgent);
        return (browser, system) switch
        {
            (null, _) => userAgent.Length > MaxUnknown ? userAgent[..MaxUnknown] + "…" : userAgent,
            (_, null) => browser,
            _ => $"{browser} on {system}",
        };
    }

    private static string? Find((string Mark, string Name)[] table, string text) =>
        table.FirstOrDefault(e => text.Contains(e.Mark, StringComparison.Ordinal)).Name;
}
