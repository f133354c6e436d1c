using System.Text;

namespace EventAuth.Domain.Tests.Fuzz;

/// <summary>
/// Makes wrong inputs out of right ones: bits flipped, pieces cut, doubled, moved and spliced, nasty text put in. The same
/// seed makes the same inputs on every machine (SplitMix64).
/// </summary>
internal sealed class Mutator(ulong seed, IReadOnlyList<string> corpus)
{
    private const int MostChanges = 4;

    // What some parser, somewhere, has stumbled over.
    private static readonly string[] Nasty =
    [
        "", " ", "\t", "\r", "\n", "\r\n", "\0", "\u007f", "\u0080", "\u00ff", "%", "%0", "%00", "%0a", "%0d%0a", "%2e", "%2e%2e", "%2E", "%2f", "%2F", "%5c",
        "%25", "%252e", "%252f", "%3b", "%3f", "%23", "%c0%ae", "%c0%af", "%e0%80%ae", "%u002e", "%ff", "%zz", "..", ".", "../", "/..", "/../", "/./", "//",
        "///", "\\", "\\\\", "\\..\\", ";", ";/", "/;/", ";x=1", "..;", "..;/", "?", "#", "&", "&&", "=", "==", ",", ", ", "@", ":", ":0", ":80", ":443",
        ":99999", ":-1", "::1", "[::1]", "[", "]", "*", "|", "`", "^", "{", "}", "<", ">", "'", "\"", "\"\"", "<script>", "${x}", "{{x}}", "$(x)", "é",
        "\u0130", "\u0131", "\u017f", "\u212a", "\uff0e", "\u3002", "\u2024", "\uff20", "\u2025", "\u202e", "\u200b", "\ufeff", "\ufffd", "\ud800", "\udc00", "😀",
        "xn--", "xn--a", "localhost", "127.0.0.1", "evil.test", "//evil.test", "https:", "http://", "https://", "javascript:", "data:", "file:///",
        "null", "true", "-1", "0", "1e300", "NaN", "18446744073709551616", "99999999999999999999", "A", "AA", "AAAA", "none", "HS256", "RS256", "alg", "kid",
        "public", "/public", "/public/", "admin", "/admin", "secret", "GET", "HEAD", "eventauth=", "eventauth", "; eventauth=", "__Host-", "Bearer ",
    ];

    private ulong _state = seed;

    /// <summary>From 0 up to, not including, the count.</summary>
    public int Below(int count) => (int)(Next() % (ulong)count);

    public T Pick<T>(IReadOnlyList<T> of) => of[Below(of.Count)];

    public bool OneIn(int times) => Below(times) == 0;

    /// <summary>One of the corpus, changed in one to four places.</summary>
    public string Text() => Change(Pick(corpus));

    /// <summary>The input, changed in one to four places.</summary>
    public string Change(string text)
    {
        for (var changes = 1 + Below(MostChanges); changes > 0; changes--)
        {
            text = ChangeOnce(text);
        }

        return text;
    }

    private string ChangeOnce(string text)
    {
        var at = Below(text.Length + 1);
        var end = at + Below(Math.Min(text.Length - at, 24) + 1);
        return Below(11) switch
        {
            0 => text[..at] + Pick(Nasty) + text[at..],
            1 => text[..at] + Pick(Nasty) + text[end..],
            2 => text[..at] + text[end..],
            3 => text[..end] + text[at..],
            4 => text.Length == 0 ? text : FlipBit(text, Math.Min(at, text.Length - 1)),
            5 => text[..at] + (char)Below(256) + text[at..],
            6 => Splice(text, at),
            7 => text[..at] + text[at..end].ToUpperInvariant() + text[end..],
            8 => text[..at] + Escaped(text.AsSpan(at, end - at)) + text[end..],
            9 => text[..at] + new string(text.Length == 0 ? 'A' : text[Below(text.Length)], OneIn(20) ? 10_000 : Below(64)) + text[at..],
            _ => text[end..] + text[..at],
        };
    }

    private string Splice(string text, int at)
    {
        var other = Pick(corpus);
        return text[..at] + other[Below(other.Length + 1)..];
    }

    private string FlipBit(string text, int at) => text[..at] + (char)(text[at] ^ (1 << Below(8))) + text[(at + 1)..];

    private static string Escaped(ReadOnlySpan<char> text)
    {
        var escaped = new StringBuilder();
        foreach (var b in Encoding.UTF8.GetBytes(text.ToArray()))
        {
            escaped.Append('%').Append(b.ToString("x2", System.Globalization.CultureInfo.InvariantCulture));
        }

        return escaped.ToString();
    }

    private ulong Next()
    {
        _state += 0x9E3779B97F4A7C15;
        var z = (_state ^ (_state >> 30)) * 0xBF58476D1CE4E5B9;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
        return z ^ (z >> 31);
    }
}
