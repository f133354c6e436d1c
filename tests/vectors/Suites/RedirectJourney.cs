using System.Text;
using EventAuth.Vectors.Http;
using EventAuth.Vectors.Worlds;

namespace EventAuth.Vectors.Suites;

/// <summary>A browser's ways through sign-in with one hostile address, and where each of them ends.</summary>
/// <param name="self">The origin that browsers know the gateway by.</param>
internal sealed class RedirectJourney(VectorService gateway, Uri self, string idp, CancellationToken ct)
{
    // Shorter ones occur in any header.
    private const int Telling = 8;

    private readonly string _origin = self.GetLeftPart(UriPartial.Authority);
    private string _session = "";

    private string Home => _origin + "/";

    /// <summary>Signs somebody in, for the way that needs a session.</summary>
    public async Task SignInAsync()
    {
        var name = gateway.Settings.Session.CookieName;
        var landed = await SignInAsync(await LoginPageAsync("", cookie: null));
        _session = $"{name}={landed.Cookie(name) ?? throw new InvalidOperationException("nobody can sign in")}";
    }

    /// <summary>Everything that is not as the row expects.</summary>
    public async Task<IReadOnlyList<string>> DifferencesAsync(RedirectRow row)
    {
        var differences = new List<string>();
        await TryAsync(row, "rd", () => LoginPageAsync(row.Wire, cookie: null), differences);
        await TryAsync(row, "rd when signed in", () => LoginPageAsync(row.Wire, _session), differences);
        if (row is { IsForProxies: true, FitsHeader: true })
        {
            await TryAsync(row, "X-Forwarded-Uri", () => gateway.SendAsync(Question(row.Payload), ct), differences);
        }

        return differences;
    }

    private async Task TryAsync(RedirectRow row, string way, Func<Task<WireAnswer>> begin, List<string> differences)
    {
        try
        {
            var first = await begin();
            var last = IsToIdp(first) ? await SignInAsync(first) : first;
            differences.AddRange(Differences(row, way == "X-Forwarded-Uri", last).Concat(Echoes(row, first)).Select(d => $"{d} ({way})"));
        }
        catch (IOException e)
        {
            differences.Add($"{e.Message} ({way})");
        }
    }

    private IEnumerable<string> Differences(RedirectRow row, bool asked, WireAnswer last)
    {
        // What a client asked a proxy for may be refused as such, but not a good path. A fragment is never part of a request.
        var mayBeRefused = asked && (row.Expected != "accept" || !row.IsPath || row.Payload.Contains('#', StringComparison.Ordinal));
        if (last.Status is >= 400 and < 500 && mayBeRefused)
        {
            yield break;
        }

        // A path is gone back to on our own origin, in the one spelling that all who read URLs agree on.
        if (asked && row.IsPath && last.Header("Location") == Escaped(row.Payload))
        {
            yield break;
        }

        if (last.Status is not (302 or 303) || last.Header("Location") is not { } location)
        {
            yield return $"status {last.Status}";
        }
        else if (location == Home && (row.Expected != "accept" || row.Payload is "/" || row.Payload == Home))
        {
        }
        else if (location != (row.IsPath ? _origin + row.Payload : asked ? null : row.Payload))
        {
            yield return $"Location {location}";
        }
        else if (row.Expected == "reject" || !row.IsHarmless)
        {
            yield return $"honoured as {location}";
        }
    }

    // What no URL may hold; "//" and "\\" after the origin would be somebody else's to read.
    private string? Escaped(string payload)
    {
        var escaped = string.Concat(Encoding.UTF8.GetBytes(payload).Select(b =>
            b is <= 0x20 or >= 0x7F or (byte)'\\' or (byte)'"' or (byte)'<' or (byte)'>' or (byte)'`' ? $"%{b:X2}" : $"{(char)b}"));
        return escaped == payload || escaped.StartsWith("//", StringComparison.Ordinal) ? null : _origin + escaped;
    }

    // Never in a header, nor in a page as it is.
    private static IEnumerable<string> Echoes(RedirectRow row, WireAnswer answer)
    {
        if (row.Expected == "reject" && row.Payload.Length >= Telling && !Uri.IsWellFormedUriString(row.Payload, UriKind.Relative))
        {
            if (answer.Headers.Any(h => h.Value.Contains(row.Payload, StringComparison.Ordinal)))
            {
                yield return "echoed in a header";
            }

            if (row.Payload.AsSpan().ContainsAny("<>\"'") && answer.Text.Contains(row.Payload, StringComparison.Ordinal))
            {
                yield return "echoed in the page";
            }
        }
    }

    private Task<WireAnswer> LoginPageAsync(string query, string? cookie) =>
        gateway.SendAsync(new WireRequest("GET", $"/auth/login?{query}").With("Host", self.Authority).With("Cookie", cookie), ct);

    private WireRequest Question(string uri) => new WireRequest("GET", "/verify")
        .With("X-Forwarded-Method", "GET").With("X-Forwarded-Proto", self.Scheme).With("X-Forwarded-Host", self.Authority)
        .With("X-Forwarded-Uri", uri).With("Accept", "text/html").With("Sec-Fetch-Mode", "navigate").With("Sec-Fetch-Dest", "document");

    private bool IsToIdp(WireAnswer answer) => answer.Header("Location")?.StartsWith(idp + "/authorize?", StringComparison.Ordinal) == true;

    // The answer of the callback, which sends the browser to where it wanted to be.
    private async Task<WireAnswer> SignInAsync(WireAnswer begun)
    {
        var cookies = string.Join("; ", begun.All("Set-Cookie").Select(c => c.Split(';')[0]));
        var toIdp = new Uri(begun.Header("Location")!);
        var vouched = await Wire.SendAsync(toIdp, new WireRequest("GET", toIdp.PathAndQuery), ct);
        var back = new Uri(vouched.Header("Location") ?? throw new IOException("the IdP did not send the browser back"));
        return await gateway.SendAsync(new WireRequest("GET", back.PathAndQuery).With("Host", self.Authority).With("Cookie", cookies), ct);
    }
}
