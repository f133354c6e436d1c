using System.Text.Json;
using EventAuth.Contracts;
using EventAuth.Services.Tests.Harness;

namespace EventAuth.Services.Tests.Compose;

/// <summary>One lie told through a real proxy, and what the application heard.</summary>
/// <param name="Who">Who told it, and where.</param>
/// <param name="Sent">The lines, as they went over the wire.</param>
/// <param name="Status">What the liar got; 0 when the proxy closed the connection.</param>
/// <param name="Heard">The headers as the application received them; null when the request did not reach it.</param>
internal sealed record Spoof(string Who, string Sent, int Status, IReadOnlyList<(string Name, string Value)>? Heard)
{
    /// <summary>Every value of whatever an application could read as this header.</summary>
    public IEnumerable<string> As(string name) => Heard!.Where(h => Spoofing.Collapse(h.Name) == Spoofing.Collapse(name)).Select(h => h.Value);
}

/// <summary>Sends every identity header and every header of the proxies' own in every spelling, as bytes.</summary>
internal static class Spoofing
{
    /// <summary>What no honest header contains.</summary>
    public const string Lie = "mallory";

    // X-Real-Ip, Remote-User and X-User are nobody's here, but applications commonly trust them.
    private static readonly string[] Names =
    [
        .. IdentityHeaders.All, "X-Forwarded-Proto", "X-Forwarded-Host", "X-Forwarded-Uri", "X-Forwarded-For", "X-Forwarded-Method", "X-Forwarded-Prefix",
        "X-Forwarded-Port", "X-Forwarded-Server", "X-Real-Ip", "Remote-User", "X-User", "Forwarded",
    ];

    /// <summary>A header's name as CGI, WSGI or PHP see it.</summary>
    public static string Collapse(string name) => string.Concat(name.Select(c => char.IsAsciiLetterOrDigit(c) ? char.ToLowerInvariant(c) : '-'));

    /// <summary>Every spelling of every name, by this visitor at this path.</summary>
    public static async Task<List<Spoof>> TellAllAsync(ComposeWorld world, string who, string path, string? cookie)
    {
        var all = new List<Spoof>();
        foreach (var lines in Names.SelectMany(Spellings))
        {
            all.Add(await TellAsync(world, who, path, cookie, lines));
        }

        return all;
    }

    /// <summary>Asks for a path, with these lines beside the usual ones.</summary>
    public static async Task<Spoof> TellAsync(ComposeWorld world, string who, string path, string? cookie, string lines)
    {
        var session = cookie is null ? "" : $"Cookie: eventauth={cookie}\r\n";
        var answer = await RawSocket.SendAsync(world.Edge,
            $"GET {path} HTTP/1.1\r\nHost: {world.Edge.Authority}\r\nAccept: application/json\r\n{Closing(lines)}{session}{lines}\r\n\r\n");
        return new Spoof(who, lines, answer.Status, Heard(answer));
    }

    /// <summary>The table for people: one line for each lie.</summary>
    public static void Report(string edge, IEnumerable<Spoof> spoofs) => Reports.Write($"spoofed-headers-{edge}.md",
    [
        $"What reached the application behind {edge}: every header of ours and of the proxies', in every spelling.", "",
        "| who | sent | answer | the application heard |", "|---|---|---|---|",
        .. spoofs.Select(s => $"| {s.Who} | `{Visible(s.Sent)}` | {(s.Status == 0 ? "closed" : s.Status)} | {Told(s)} |"),
    ]);

    private static IEnumerable<string> Spellings(string name)
    {
        var (at, value) = (name.IndexOf('-'), name == "X-Forwarded-Uri" ? $"/public/{Lie}" : Lie);
        IEnumerable<string> names =
        [
            name, name.ToLowerInvariant(), name.ToUpperInvariant(), name.Replace('-', '_'), name.Replace('-', '.'), name.Replace('-', '~'),
            name.ToLowerInvariant().Replace('-', '_'),
            .. at < 0 ? Array.Empty<string>() : [$"{name[..at]}_{name[(at + 1)..]}", $"{name[..at]}.{name[(at + 1)..]}", $"{name[..name.LastIndexOf('-')]}_{name[(name.LastIndexOf('-') + 1)..]}"],
        ];
        return
        [
            .. names.Distinct().Select(n => $"{n}: {value}"), $"{name}: {value}\r\n{name}: {value}", $"{name}: {value}\r\n{name}:", $"{name}:\r\n{name.Replace('-', '_')}: {value}",
            $"{name} : {value}", $"{name}\t: {value}", $" {name}: {value}", $"X-Harmless: a\r\n\t{name}: {value}", $"{name}\0: {value}",
            $"Connection: close, {name}\r\n{name}: {value}", $"connection: close, {name.ToLowerInvariant()}",
        ];
    }

    private static string Closing(string lines) => lines.StartsWith("connection:", StringComparison.OrdinalIgnoreCase) ? "" : "Connection: close\r\n";

    // The application says what it heard; whoever else answers says something else.
    private static List<(string, string)>? Heard(RawAnswer answer)
    {
        if (!answer.Allows || !answer.Body.Contains("rawHeaders", StringComparison.Ordinal))
        {
            return null;
        }

        using var json = JsonDocument.Parse(answer.Body);
        string[] raw = [.. json.RootElement.GetProperty("rawHeaders").EnumerateArray().Select(e => e.GetString()!)];
        return [("url", json.RootElement.GetProperty("url").GetString()!), .. raw.Chunk(2).Select(p => (p[0], p[1]))];
    }

    private static string Told(Spoof spoof) => spoof.Heard is null
        ? "nothing"
        : string.Join(", ", spoof.Heard.Where(h => IdentityHeaders.All.Append("X-Forwarded-Host").Append("X-Forwarded-Proto").Append("X-Forwarded-For")
            .Any(n => Collapse(n) == Collapse(h.Name)) && h.Value.Length > 0).Select(h => $"{h.Name}: {h.Value}")).Replace("|", "\\|", StringComparison.Ordinal);

    private static string Visible(string lines) => lines.Replace("\r\n", "⏎", StringComparison.Ordinal).Replace("\t", "⇥", StringComparison.Ordinal).Replace("\0", "␀", StringComparison.Ordinal);
}
