using System.Text;

namespace EventAuth.Domain.Tests.Fuzz;

/// <summary>
/// A second opinion on which rule speaks of a request, written without a look at ours: slow, simple, and of the kind that
/// says "refuse" when servers could disagree. It knows one policy: on <c>app.example.test</c> everything below /public is open,
/// what lies below /admin is for administrators, and all else for who is signed in.
/// </summary>
internal static class RuleOracle
{
    public enum Place
    {
        Refuse = 0,
        Public,
        Admin,
        Members,
        NoRule,
    }

    /// <summary>Where a request goes, by the reading of every kind of server; <see cref="Place.Refuse"/> when they differ.</summary>
    public static Place Of(string method, string host, string uri)
    {
        if (method.Length == 0 || !method.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_') || uri.Length == 0 || uri[0] != '/')
        {
            return Place.Refuse;
        }

        if (Name(host) != "app.example.test")
        {
            return Place.NoRule;
        }

        var places = Readings(uri.Split('?')[0]).Select(PlaceOf).Distinct().ToList();
        return places.Count == 1 ? places[0] : Place.Refuse;
    }

    private static string Name(string host)
    {
        var name = host.ToLowerInvariant();
        var colon = name.LastIndexOf(':');
        name = colon >= 0 && name[(colon + 1)..].All(char.IsAsciiDigit) ? name[..colon] : name;
        name = name.EndsWith('.') ? name[..^1] : name;

        // IDNA knows more than one full stop.
        return string.Concat(name.Select(c => c is '\u3002' or '\uff0e' or '\uff61' ? '.' : c));
    }

    // As the raw text, decoded once, with parameters cut off before or after decoding; each of them resolved or not.
    private static HashSet<string> Readings(string raw)
    {
        HashSet<string> texts = [raw, Decode(raw), Cut(raw), Cut(Decode(raw)), Decode(Cut(raw))];
        HashSet<string> all = [];
        foreach (var text in texts)
        {
            all.UnionWith([Decode(text), Resolve(Decode(text)), Decode(Resolve(text)), Resolve(Merge(Decode(text)))]);
        }

        // The raw text itself is nobody's reading: every server decodes.
        return [.. all.Select(Merge)];
    }

    private static Place PlaceOf(string path) => path switch
    {
        _ when Below(path, "/public") => Place.Public,
        _ when Below(path, "/admin") => Place.Admin,
        _ => Place.Members,
    };

    private static bool Below(string path, string folder) => path == folder || path.StartsWith(folder + "/", StringComparison.Ordinal);

    private static string Decode(string text)
    {
        var decoded = new StringBuilder();
        for (var i = 0; i < text.Length; i++)
        {
            var escape = text[i] == '%' && i + 2 < text.Length && char.IsAsciiHexDigit(text[i + 1]) && char.IsAsciiHexDigit(text[i + 2]);
            decoded.Append(escape ? (char)Convert.ToByte(text.Substring(i + 1, 2), 16) : text[i]);
            i += escape ? 2 : 0;
        }

        return decoded.ToString();
    }

    private static string Resolve(string path)
    {
        var kept = new Stack<string>();
        foreach (var segment in path[1..].Split('/'))
        {
            if (segment == "..")
            {
                kept.TryPop(out _);
            }
            else if (segment != ".")
            {
                kept.Push(segment);
            }
        }

        return "/" + string.Join('/', kept.Reverse());
    }

    private static string Merge(string path)
    {
        while (path.Contains("//", StringComparison.Ordinal))
        {
            path = path.Replace("//", "/", StringComparison.Ordinal);
        }

        return path;
    }

    private static string Cut(string path) => string.Join('/', path.Split('/').Select(s => s.Split(';')[0]));
}
