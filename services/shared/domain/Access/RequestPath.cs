using System.Buffers;
using System.Text;
using System.Text.Unicode;

namespace EventAuth.Domain.Access;

/// <summary>
/// The path of a request, as applications may read it. Applications differ, and every difference was somebody's bypass:
/// <list type="number">
/// <item>What has no safe reading is refused: an encoded backslash or control character, text that decodes twice, broken
/// UTF-8, a parameter or an encoded '?' or '#' near a dot segment, a dot segment with a tail or behind a doubled slash, an encoded slash in a path
/// that has any of dot segments, doubled slashes or parameters.</item>
/// <item>Else there is the resolved reading (decoded, dot segments and doubled slashes gone), which rules see.</item>
/// <item>When the path had dot segments, doubled slashes, parameters, an encoded '?' or '#' (query or fragment where decoded
/// text is parsed again) or an encoded slash (GitLab names projects so), the literal reading and the bare one, without what
/// ';', '?' and '#' begin in a segment, are kept too: the decider lets nobody pass where they fall under different rules.</item>
/// </list>
/// A path without any of that is not copied: it is a slice of the URI.
/// </summary>
internal readonly record struct RequestPath
{
    private static readonly SearchValues<char> TailMarks = SearchValues.Create(";?#");

    private readonly int _length;
    private readonly string? _resolved;
    private readonly string? _literal;
    private readonly string? _bare;

    private RequestPath(int length, string? resolved, string? literal, string? bare)
    {
        _length = length;
        _resolved = resolved;
        _literal = literal;
        _bare = bare;
    }

    public bool HasOneReading => ReferenceEquals(_resolved, _literal) && ReferenceEquals(_resolved, _bare);

    public ReadOnlySpan<char> Resolved(string uri) => _resolved ?? uri.AsSpan(0, _length);

    public ReadOnlySpan<char> Literal(string uri) => _literal ?? uri.AsSpan(0, _length);

    public ReadOnlySpan<char> Bare(string uri) => _bare ?? uri.AsSpan(0, _length);

    /// <summary>Reads the path of a URI that begins with '/' and has only whole escapes; the query is never looked at.</summary>
    public static bool TryRead(string uri, out RequestPath path, out DenyReason reason)
    {
        reason = DenyReason.Unspecified;
        var query = uri.IndexOf('?');
        var text = uri.AsSpan(0, query < 0 ? uri.Length : query);
        path = new RequestPath(text.Length, null, null, null);
        if (IsPlain(text))
        {
            return true;
        }

        if (!TryDecode(text, keepSlashes: false, out var decoded) || !TryResolve(decoded, out var resolved, out var bare))
        {
            reason = DenyReason.AmbiguousPath;
            return false;
        }

        if (text.Contains("%2F", StringComparison.OrdinalIgnoreCase))
        {
            return TryReadSlashes(text, decoded, resolved, bare, out path, out reason);
        }

        path = new RequestPath(text.Length, resolved, decoded, bare);
        return true;
    }

    // A slash from an escape separates segments for some applications and for others not: both readings count.
    private static bool TryReadSlashes(
        ReadOnlySpan<char> text, string decoded, string resolved, string bare, out RequestPath path, out DenyReason reason)
    {
        var plain = ReferenceEquals(decoded, resolved) && ReferenceEquals(decoded, bare);
        var kept = string.Empty;
        plain = plain && TryDecode(text, keepSlashes: true, out kept);
        reason = plain ? DenyReason.Unspecified : DenyReason.AmbiguousPath;
        path = plain ? new RequestPath(text.Length, decoded, kept, decoded) : default;
        return plain;
    }

    private static bool IsPlain(ReadOnlySpan<char> text) =>
        !text.ContainsAny('%', ';', '\\')
        && text.IndexOf("//") < 0
        && (text.IndexOf("/.") < 0 || !HasDotSegment(text));

    private static bool HasDotSegment(ReadOnlySpan<char> text)
    {
        foreach (var range in text.Split('/'))
        {
            if (text[range] is "." or "..")
            {
                return true;
            }
        }

        return false;
    }

    private static bool TryDecode(ReadOnlySpan<char> text, bool keepSlashes, out string decoded)
    {
        decoded = string.Empty;
        var bytes = new byte[text.Length];
        var count = 0;
        for (var i = 0; i < text.Length; i++)
        {
            if (!UrlText.TryUnescape(text[i..], out var value) || (value == '/' && keepSlashes))
            {
                value = (byte)text[i];
            }
            else
            {
                i += 2;
            }

            if (value == '\\')
            {
                return false;
            }

            bytes[count++] = value;
        }

        if (!Utf8.IsValid(bytes.AsSpan(0, count)))
        {
            return false;
        }

        decoded = Encoding.UTF8.GetString(bytes, 0, count);
        return !decoded.AsSpan().ContainsAnyInRange('\0', '\x1F')
            && !decoded.AsSpan().ContainsAnyInRange('\x7F', '\x9F')
            && (keepSlashes || !DecodesAgain(decoded));
    }

    private static bool DecodesAgain(ReadOnlySpan<char> text)
    {
        while (text.IndexOf('%') is >= 0 and var at)
        {
            if (UrlText.TryUnescape(text[at..], out _))
            {
                return true;
            }

            text = text[(at + 1)..];
        }

        return false;
    }

    private static bool TryResolve(string decoded, out string resolved, out string bare)
    {
        resolved = bare = decoded;
        var tails = decoded.AsSpan().ContainsAny(TailMarks);
        var segments = new List<string>();
        var text = decoded.AsSpan(1);
        var directory = false;
        var doubled = false;
        foreach (var range in text.Split('/'))
        {
            var segment = text[range];
            directory = segment is "" or "." or "..";

            // Joined first, "/a//.." is "/"; resolved first, it is "/a/".
            if (segment is "." or ".." && (tails || doubled))
            {
                return false;
            }

            if (IsDotSegmentWithTail(segment))
            {
                return false;
            }

            Take(segments, segment);
            doubled |= segment.IsEmpty;
        }

        resolved = Keep(decoded, Text(segments, directory));
        var names = segments.Select(WithoutTail).Where(s => s.Length > 0).ToList();
        bare = Keep(resolved, Text(names, directory));
        return true;
    }

    private static void Take(List<string> segments, ReadOnlySpan<char> segment)
    {
        switch (segment)
        {
            case "" or ".":
                break;
            case "..":
                segments.RemoveRange(Math.Max(segments.Count - 1, 0), Math.Min(segments.Count, 1));
                break;
            default:
                segments.Add(segment.ToString());
                break;
        }
    }

    // Cut off as a parameter, or as query or fragment where decoded text is parsed again, the tail leaves a dot segment.
    private static bool IsDotSegmentWithTail(ReadOnlySpan<char> segment) =>
        segment.IndexOfAny(TailMarks) is >= 0 and var at && segment[..at] is "." or "..";

    // Of "/a%3F/b" this leaves "/a/b", not "/a": no rule's path has a '?', so where "/a" has a rule of its own "/a/b" has it too.
    private static string WithoutTail(string segment) =>
        segment.AsSpan().IndexOfAny(TailMarks) is >= 0 and var at ? segment[..at] : segment;

    private static string Text(List<string> segments, bool directory) =>
        segments.Count == 0 ? "/" : $"/{string.Join('/', segments)}{(directory ? "/" : "")}";

    // Readings are compared by reference, so equal ones have to be the same string.
    private static string Keep(string first, string second) => first == second ? first : second;
}
