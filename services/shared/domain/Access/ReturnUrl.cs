namespace EventAuth.Domain.Access;

/// <summary>
/// Where a browser goes after signing in or out. Whoever holds one may redirect to it: it is a path on our own host, or
/// an absolute URL of a known origin, and every reader of URLs agrees which.
/// </summary>
public sealed record ReturnUrl
{
    /// <summary>The landing page, for whoever asked for nothing or for something we don't do.</summary>
    public static readonly ReturnUrl Home = new("/");

    private const int MaxLength = 8192;
    private const int MaxAuthorityLength = 300;

    private ReturnUrl(string value) => Value = value;

    /// <summary>As it was asked for, byte for byte; pure ASCII.</summary>
    public string Value { get; }

    /// <summary>Reads what a browser brought. What is refused becomes <see cref="Home"/>.</summary>
    public static bool TryParse(string? text, ReturnHosts hosts, out ReturnUrl url)
    {
        ArgumentNullException.ThrowIfNull(hosts);
        url = Home;
        if (text is null || text.Length is 0 or > MaxLength || !IsClean(text))
        {
            return false;
        }

        if (!(text[0] == '/' ? IsSafePath(text) : IsKnown(text, hosts)))
        {
            return false;
        }

        url = new ReturnUrl(text);
        return true;
    }

    /// <inheritdoc />
    public override string ToString() => Value;

    // Browsers drop tabs and newlines, trim spaces and read '\' as '/': each made "/x" another host somewhere.
    private static bool IsClean(string text)
    {
        var fragment = text.IndexOf('#');
        var beforeFragment = fragment < 0 ? text : text.AsSpan(0, fragment);
        var inFragment = fragment < 0 ? default : text.AsSpan(fragment + 1);
        return IsClean(beforeFragment) && IsClean(inFragment);
    }

    private static bool IsClean(ReadOnlySpan<char> text) =>
        UrlText.IsVisible(text) && !text.ContainsAny("\\\"<>`") && UrlText.HasWholeEscapes(text);

    private static bool IsKnown(string text, ReturnHosts hosts)
    {
        var scheme = text switch
        {
            _ when text.StartsWith("https://", StringComparison.Ordinal) => Uri.UriSchemeHttps,
            _ when text.StartsWith("http://", StringComparison.Ordinal) => Uri.UriSchemeHttp,
            _ => null,
        };
        if (scheme is null)
        {
            return false;
        }

        var rest = text.AsSpan(scheme.Length + Uri.SchemeDelimiter.Length);
        var end = rest.IndexOf('/');
        var authority = end < 0 ? rest : rest[..end];
        return authority.Length is > 0 and <= MaxAuthorityLength
            && IsKnownOrigin(scheme, authority.ToString(), hosts)
            && (end < 0 || IsSafePath(rest[end..]));
    }

    // A trailing dot is another origin for cookies and for browsers, though the same host for DNS.
    private static bool IsKnownOrigin(string scheme, string authority, ReturnHosts hosts) =>
        HostName.TrySplit(authority, out var host, out var port)
        && !host.EndsWith('.')
        && HostName.TryNormalise(host, out var name)
        && hosts.Knows(scheme, name, port != 0 ? port : scheme == Uri.UriSchemeHttps ? 443 : 80);

    // Checked as if somebody behind us decoded once more, since "/%5cevil.test" is then another host.
    private static bool IsSafePath(ReadOnlySpan<char> text)
    {
        var end = text.IndexOfAny('?', '#');
        var path = end < 0 ? text : text[..end];
        if (path is not ['/', ..] || path is ['/', '/', ..])
        {
            return false;
        }

        foreach (var range in path[1..].Split('/'))
        {
            if (!IsSafeSegment(path[1..][range], isFirst: range.Start.Value == 0))
            {
                return false;
            }
        }

        return true;
    }

    private static bool IsSafeSegment(ReadOnlySpan<char> segment, bool isFirst)
    {
        Span<char> dots = stackalloc char[2];
        var read = 0;
        for (var i = 0; i < segment.Length; i++, read++)
        {
            var c = segment[i];
            if (UrlText.TryUnescape(segment[i..], out var value))
            {
                i += 2;
                c = (char)value;
            }

            if (c is '\\' or < ' ' or '\x7F' || (isFirst && read == 0 && c == '/'))
            {
                return false;
            }

            if (read < dots.Length)
            {
                dots[read] = c;
            }
        }

        return !(read is 1 or 2 && dots[..read].TrimStart('.').IsEmpty);
    }
}
