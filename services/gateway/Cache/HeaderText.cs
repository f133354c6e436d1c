using System.Text;

namespace EventAuth.Gateway.Cache;

/// <summary>
/// Text from an IdP as a header value. What a header cannot hold (control characters, line breaks, anything outside ASCII)
/// and the percent sign are percent-encoded as UTF-8 (RFC 3986 2.1), so that applications can decode without guessing.
/// </summary>
internal static class HeaderText
{
    /// <summary>Beyond this a proxy or application would refuse the request: better a cut list than no request.</summary>
    private const int MaxLength = 4096;

    public static string Encode(string text) => Encode(text, ReadOnlySpan<char>.Empty);

    /// <summary>Items joined by commas; a comma inside an item is encoded.</summary>
    public static string EncodeList(IReadOnlyList<string> items)
    {
        var list = new StringBuilder();
        foreach (var item in items)
        {
            var encoded = Encode(item, ",");
            if (list.Length + encoded.Length + 1 > MaxLength)
            {
                break;
            }

            list.Append(list.Length == 0 ? "" : ",").Append(encoded);
        }

        return list.ToString();
    }

    private static string Encode(string text, ReadOnlySpan<char> more)
    {
        var unsafeAt = text.AsSpan().IndexOfAnyExceptInRange(' ', '~');
        if (unsafeAt < 0 && !text.Contains('%') && text.AsSpan().IndexOfAny(more) < 0 && text.Length <= MaxLength && text.Trim() == text)
        {
            return text;
        }

        var encoded = new StringBuilder();
        foreach (var b in Encoding.UTF8.GetBytes(text))
        {
            if (encoded.Length + 3 > MaxLength)
            {
                break;
            }

            var plain = b is > 0x20 and < 0x7f && b != '%' && !more.Contains((char)b);
            _ = plain ? encoded.Append((char)b) : encoded.Append('%').Append(b.ToString("X2", System.Globalization.CultureInfo.InvariantCulture));
        }

        return encoded.ToString();
    }
}
