using System.Buffers;
using System.Text;

namespace EventAuth.Domain.Access;

/// <summary>The characters and escapes of URLs.</summary>
internal static class UrlText
{
    /// <summary>Visible ASCII but '#', which no proxy may forward: a fragment is the browser's own.</summary>
    private static readonly SearchValues<char> Visible = SearchValues.Create([.. Range('!', '~').Where(c => c != '#')]);

    /// <summary>Seen raw in queries, but read in more than one way: a URL we hand out has them escaped.</summary>
    private static readonly SearchValues<char> Unsafe = SearchValues.Create("\\\"<>`^{|}");

    public static bool IsVisible(ReadOnlySpan<char> text) => !text.ContainsAnyExcept(Visible);

    /// <summary>True when every '%' begins an escape.</summary>
    public static bool HasWholeEscapes(ReadOnlySpan<char> text)
    {
        while (text.IndexOf('%') is >= 0 and var at)
        {
            if (!TryUnescape(text[at..], out _))
            {
                return false;
            }

            text = text[(at + 3)..];
        }

        return true;
    }

    /// <summary>Reads the escape <c>%XX</c> at the start of the text.</summary>
    public static bool TryUnescape(ReadOnlySpan<char> text, out byte value)
    {
        value = 0;
        if (text is not ['%', var high, var low, ..] || !char.IsAsciiHexDigit(high) || !char.IsAsciiHexDigit(low))
        {
            return false;
        }

        value = (byte)((Digit(high) << 4) | Digit(low));
        return true;
    }

    /// <summary>The text with unsafe characters and lone percent signs escaped; the same string when it has none.</summary>
    public static string Escape(string text)
    {
        if (!text.AsSpan().ContainsAny(Unsafe) && HasWholeEscapes(text))
        {
            return text;
        }

        var escaped = new StringBuilder(text.Length + 16);
        for (var i = 0; i < text.Length; i++)
        {
            var c = text[i];
            _ = Unsafe.Contains(c) || (c == '%' && !TryUnescape(text.AsSpan(i), out _)) ? escaped.Append('%').Append(((int)c).ToString("X2")) : escaped.Append(c);
        }

        return escaped.ToString();
    }

    private static int Digit(char c) => char.IsAsciiDigit(c) ? c - '0' : (c | 0x20) - 'a' + 10;

    private static IEnumerable<char> Range(char first, char last) =>
        Enumerable.Range(first, last - first + 1).Select(c => (char)c);
}
