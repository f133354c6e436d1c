using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;

namespace EventAuth.Vectors.Files;

/// <summary>
/// What is too long to be written down is described in the file: <c>"." * 65000</c>, <c>"/" + "a"*9000</c>,
/// <c>"&amp;".join("a%d=1"%i) + logout_token</c>. Joined by <c>+</c>; nothing else is understood.
/// </summary>
internal static partial class Generator
{
    private const int LongestText = 64 * 1024 * 1024;
    private const int DefaultCount = 10_000;
    private const int MostParts = 1_000_000;

    /// <summary>The text, or null when the description is not understood.</summary>
    /// <param name="token">What <c>logout_token</c>, <c>T</c> and <c>{T}</c> stand for.</param>
    public static string? Make(string description, string? token = null)
    {
        // One file forgets the first quotation mark.
        var rest = description.Count(c => c == '"') % 2 == 1 ? '"' + description : description;
        var made = new StringBuilder();
        while (rest.Length > 0)
        {
            var term = Term().Match(rest);
            if (!term.Success || Make(term, token) is not { } text || made.Length + text.Length > LongestText)
            {
                return null;
            }

            made.Append(text);
            rest = rest[term.Length..];
        }

        return made.Length == 0 ? null : made.ToString();
    }

    private static string? Make(Match term, string? token)
    {
        string? Group(string name) => term.Groups[name] is { Success: true } group ? group.Value : null;
        if (Group("join") is { } separator)
        {
            var parts = Group("range") is { } range ? Number(range) : DefaultCount;
            return parts is >= 0 and <= MostParts and var known
                ? string.Join(separator, Enumerable.Range(0, known).Select(i => Group("each")!.Replace("%d", $"{i}", StringComparison.Ordinal)))
                : null;
        }

        if (Group("name") is { } name)
        {
            return token is null ? null : name == "logout_token" ? "&logout_token=" + token : token;
        }

        var text = (Group("text") ?? Group("then"))!.Replace("{T}", token ?? "{T}", StringComparison.Ordinal);
        var count = Group("times") ?? Group("first");
        var times = count is null ? 1 : Number(count);
        return times is { } n && (long)text.Length * n <= LongestText ? string.Concat(Enumerable.Repeat(text, n)) : null;
    }

    private static int? Number(string? digits) =>
        int.TryParse(digits?.Replace("_", "", StringComparison.Ordinal), NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : null;

    [GeneratedRegex("""
        \A\s*(?:
          ["'](?<join>[^"']*)["']\.join\(["'](?<each>[^"']*)["']\s*%\s*i(?:\s+for\s+i\s+in\s+range\((?<range>[\d_]+)\))?\)
        | (?<first>[\d_]+)\s*\*\s*["'](?<then>[^"']*)["']
        | ["'](?<text>[^"']*)["'](?:\s*\*\s*(?<times>[\d_]+))?
        | (?<name>logout_token|T|\{T\})
        )\s*(?:\+\s*|\z)
        """, RegexOptions.IgnorePatternWhitespace)]
    private static partial Regex Term();
}
