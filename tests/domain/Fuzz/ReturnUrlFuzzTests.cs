using System.Text.Json;
using EventAuth.Domain.Access;
using EventAuth.Domain.Tests.Access;

namespace EventAuth.Domain.Tests.Fuzz;

/// <summary>Any text that somebody asks to be sent back to: no exception, and what is accepted stays with us in every browser.</summary>
public sealed class ReturnUrlFuzzTests
{
    private const int Rounds = 100_000;

    private static readonly string[] Seeds =
    [
        "/", "/a", "/a?b=c#d", "/a/b;c/d?e=/f", "https://auth.example.test/x", "https://app.example.test/", "https://app.example.test:8443/x?y#z",
        "https://a.wild.test/x", "//evil.test", "/\\evil.test", "/%5cevil.test", "https://evil.test", "https://app.example.test@evil.test/",
        "https://app.example.test.evil.test/", "https:app.example.test", "/../x", "/%2e%2e/x", "\thttps://evil.test", "https://app.example.test\\@evil.test",
        "http://app.example.test/", "javascript:alert(1)", "/a%0d%0aLocation:https://evil.test", "https://[::1]/", "https://xn--bcher-kva.test/",
    ];

    private static readonly HashSet<string> Origins =
        ["https://auth.example.test", "https://app.example.test", "https://app.example.test:8443", "https://a.wild.test"];

    private static readonly ReturnHosts Allowed = new(new Uri("https://auth.example.test"), ["app.example.test", "app.example.test:8443", "*.wild.test"]);

    [Fact]
    public void What_is_accepted_leads_to_an_origin_of_ours()
    {
        var accepted = 0;
        FuzzRun.Run(Rounds, Seeds, m => m.Text(), text =>
        {
            if (!ReturnUrl.TryParse(text, Allowed, out var url))
            {
                Assert.Same(ReturnUrl.Home, url);
                return;
            }

            accepted++;
            Assert.Equal(text, url.Value);
            Assert.True(IsOurs(BrowserOrigin(text)), BrowserOrigin(text));
            Assert.True(text[0] != '/' || IsOurs(BrowserOrigin(Uri.UnescapeDataString(text.Split('?', '#')[0]))), "decoded once more");
            Assert.True(IsOurs(new Uri(new Uri("https://auth.example.test/auth/login"), text).GetLeftPart(UriPartial.Authority)), "by another parser");
            Assert.All(text, c => Assert.True(c is > ' ' and <= '~'));
        });
        Assert.True(accepted > Rounds / 1000, $"{accepted} accepted");
    }

    // The 1006 known payloads as seeds: between two of them lies the next one.
    [VectorFact]
    public void What_is_bred_from_known_redirects_is_accepted_only_if_it_leads_to_us()
    {
        using var file = JsonDocument.Parse(VectorFactAttribute.Read("redirect-payloads.json"));
        string[] payloads = [.. file.RootElement.GetProperty("cases").EnumerateArray().Where(c => c.TryGetProperty("payload", out _)).Select(c => c.GetProperty("payload").GetString()!)];
        Assert.NotEmpty(payloads);
        FuzzRun.Run(Rounds, payloads, m => m.Text(), text => Assert.True(!ReturnUrl.TryParse(text, Allowed, out _) || IsOurs(BrowserOrigin(text)), BrowserOrigin(text)));
    }

    private static bool IsOurs(string origin) =>
        Origins.Contains(origin) || (origin.StartsWith("https://", StringComparison.Ordinal) && origin.EndsWith(".wild.test", StringComparison.Ordinal)
            && origin["https://".Length..^".wild.test".Length].All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '.' or '_'));

    // The steps of the URL standard that matter: white space trimmed, tabs and line breaks dropped, '\' read as '/', any
    // number of slashes before a host, user information cut off, the host in lower case, the usual port left out.
    private static string BrowserOrigin(string text)
    {
        var clean = new string([.. text.Trim([.. Enumerable.Range(0, 33).Select(i => (char)i)]).Where(c => c is not ('\t' or '\r' or '\n'))]).Replace('\\', '/');
        var colon = clean.IndexOf(':');
        var scheme = colon > 0 && clean[..colon].All(c => char.IsAsciiLetterOrDigit(c) || c is '+' or '-' or '.') && char.IsAsciiLetter(clean[0])
            ? clean[..colon].ToLowerInvariant()
            : null;
        if (scheme is not (null or "https" or "http"))
        {
            return scheme + ":";
        }

        var rest = scheme is null ? clean : clean[(colon + 1)..];
        if (scheme is null ? !rest.StartsWith("//", StringComparison.Ordinal) : rest.Length == 0 || rest[0] != '/')
        {
            // A path, or a scheme without slashes, which browsers take for a path where it is our own.
            return scheme is null or "https" ? "https://auth.example.test" : $"{scheme}://?";
        }

        var authority = rest.TrimStart('/').Split('/', '?', '#')[0];
        var host = authority[(authority.LastIndexOf('@') + 1)..].ToLowerInvariant();
        var port = scheme == "http" ? ":80" : ":443";
        return $"{scheme ?? "https"}://{(host.EndsWith(port, StringComparison.Ordinal) ? host[..^port.Length] : host)}";
    }
}
