using System.Globalization;

namespace EventAuth.Adapters.Settings;

/// <summary>
/// Takes typed values out of raw settings. Remembers what was asked for, so that whatever is left over can be reported as
/// unknown, and collects errors instead of throwing at the first.
/// </summary>
public sealed class SettingsReader(IReadOnlyDictionary<string, string> values)
{
    private readonly HashSet<string> _known = new(StringComparer.OrdinalIgnoreCase);
    private readonly List<string> _errors = [];

    public IReadOnlyList<string> Errors => _errors;

    public void Fail(string path, string problem) => _errors.Add($"{path}: {problem}");

    public string? Optional(string path)
    {
        _known.Add(path);
        return values.TryGetValue(path, out var text) && text.Length > 0 ? text : null;
    }

    public string Text(string path, string fallback) => Optional(path) ?? fallback;

    public string Required(string path, string whatFor)
    {
        var text = Optional(path);
        if (text is null)
        {
            Fail(path, $"is missing ({whatFor})");
        }

        return text ?? "";
    }

    /// <summary>A secret, given itself or in a file named by <c>…File</c>.</summary>
    public string Secret(string path, string whatFor)
    {
        var text = Optional(path);
        var file = Optional(path + "File");
        if (text is not null && file is not null)
        {
            Fail(path, $"give either {path} or {path}File, not both");
        }

        try
        {
            text ??= file is null ? null : File.ReadAllText(file).Trim();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            Fail(path + "File", e.Message);
            return "";
        }

        if (string.IsNullOrEmpty(text))
        {
            Fail(path, $"is missing; set it or {path}File ({whatFor})");
        }

        return text ?? "";
    }

    public bool Flag(string path, bool fallback)
    {
        var text = Optional(path);
        if (text is null)
        {
            return fallback;
        }

        if (!bool.TryParse(text, out var flag))
        {
            Fail(path, $"'{text}' is neither true nor false");
        }

        return flag;
    }

    public int Number(string path, int fallback, int min, int max)
    {
        var text = Optional(path);
        if (text is null)
        {
            return fallback;
        }

        if (!int.TryParse(text, NumberStyles.Integer, CultureInfo.InvariantCulture, out var number) || number < min || number > max)
        {
            Fail(path, $"'{text}' is not a whole number from {min} to {max}");
        }

        return number;
    }

    /// <summary>A duration such as <c>500ms</c>, <c>60s</c>, <c>5m</c>, <c>24h</c>, <c>7d</c>.</summary>
    /// <param name="max">Ten years if not given; less where a timer waits for it.</param>
    public TimeSpan Duration(string path, TimeSpan fallback, TimeSpan min, TimeSpan? max = null)
    {
        var longest = max ?? TimeSpan.FromDays(3650);
        var text = Optional(path);
        if (text is null)
        {
            return fallback;
        }

        if (!TryParseDuration(text, out var milliseconds))
        {
            Fail(path, $"'{text}' is no duration (write 500ms, 60s, 5m, 24h or 7d)");
        }
        else if (milliseconds < min.TotalMilliseconds)
        {
            Fail(path, $"'{text}' is too short; at least {min.TotalSeconds.ToString(CultureInfo.InvariantCulture)}s");
        }
        else if (milliseconds > longest.TotalMilliseconds)
        {
            Fail(path, $"'{text}' is too long; at most {Describe(longest)}");
            return longest;
        }

        return TimeSpan.FromMilliseconds(milliseconds);
    }

    /// <summary><c>deny</c>, which is none, or <c>grace(30s)</c>.</summary>
    public TimeSpan Grace(string path, TimeSpan max)
    {
        var text = Text(path, "deny");
        if (text == "deny")
        {
            return TimeSpan.Zero;
        }

        var inside = text.StartsWith("grace(", StringComparison.Ordinal) && text.EndsWith(')') ? text["grace(".Length..^1] : "";
        if (!TryParseDuration(inside, out var milliseconds) || milliseconds <= 0 || milliseconds > max.TotalMilliseconds)
        {
            Fail(path, $"'{text}' is neither deny nor grace(TIME) with a time of at most {Describe(max)}, such as grace(30s) or grace(10m)");
            return TimeSpan.Zero;
        }

        return TimeSpan.FromMilliseconds(milliseconds);
    }

    public T Choice<T>(string path, T fallback) where T : struct, Enum
    {
        var text = Optional(path);
        if (text is null)
        {
            return fallback;
        }

        // By name only: TryParse alone would take numbers too.
        var named = Enum.GetNames<T>().Contains(text, StringComparer.OrdinalIgnoreCase);
        if (!Enum.TryParse<T>(text, ignoreCase: true, out var choice) || !named)
        {
            Fail(path, $"'{text}' is none of {string.Join(", ", Enum.GetNames<T>()).ToLowerInvariant()}");
        }

        return choice;
    }

    public Uri? Url(string path, params ReadOnlySpan<string> schemes)
    {
        var text = Optional(path);
        if (text is null)
        {
            return null;
        }

        if (Uri.TryCreate(text, UriKind.Absolute, out var url) && schemes.Contains(url.Scheme))
        {
            return url;
        }

        Fail(path, $"'{text}' is no URL ({string.Join(", ", schemes!)})");
        return null;
    }

    /// <summary>A list: YAML items, or one value with commas (as an environment variable has it).</summary>
    public IReadOnlyList<string> List(string path, params IReadOnlyList<string> fallback)
    {
        var whole = Optional(path);
        if (whole is not null)
        {
            return whole.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        }

        var items = Children(path).Select(i => Required($"{path}.{i}", "an item of a list")).ToList();
        return items.Count > 0 || values.ContainsKey(path) ? items : fallback;
    }

    /// <summary>Names right below a path: indexes of a list or keys of a section, in order.</summary>
    public IReadOnlyList<string> Children(string path)
    {
        var prefix = path + ".";
        var names = values.Keys.Where(k => k.StartsWith(prefix, StringComparison.OrdinalIgnoreCase))
            .Select(k => k[prefix.Length..].Split('.')[0]).Distinct(StringComparer.OrdinalIgnoreCase);
        return names.OrderBy(n => int.TryParse(n, out var i) ? i : int.MaxValue).ThenBy(n => n, StringComparer.Ordinal).ToList();
    }

    /// <summary>Reports every setting that nobody asked for: a misspelt rule must stop the start, not be ignored.</summary>
    public void FailUnknown()
    {
        foreach (var path in values.Keys.Where(k => !_known.Contains(k)).Order(StringComparer.Ordinal))
        {
            var near = _known.MinBy(k => Distance(k.ToLowerInvariant(), path.ToLowerInvariant()));
            var hint = near is not null && Distance(near.ToLowerInvariant(), path.ToLowerInvariant()) <= 3 ? $"; did you mean {near}?" : "";
            Fail(path, $"is not a setting{hint}");
        }
    }

    private static string Describe(TimeSpan duration) => duration >= TimeSpan.FromDays(1)
        ? $"{duration.TotalDays.ToString(CultureInfo.InvariantCulture)}d"
        : $"{duration.TotalSeconds.ToString(CultureInfo.InvariantCulture)}s";

    // In milliseconds, because nine digits of days are more than a TimeSpan can hold.
    private static bool TryParseDuration(string text, out long milliseconds)
    {
        milliseconds = 0;
        var digits = text.TakeWhile(c => char.IsAsciiDigit(c)).Count();
        if (digits is 0 or > 9)
        {
            return false;
        }

        var number = int.Parse(text.AsSpan(0, digits), CultureInfo.InvariantCulture);
        long? unit = text[digits..] switch
        {
            "ms" => 1,
            "s" => 1000,
            "m" => 60_000,
            "h" => 3_600_000,
            "d" => 86_400_000,
            "" when number == 0 => 0,
            _ => null,
        };
        milliseconds = number * (unit ?? 0);
        return unit is not null;
    }

    private static int Distance(string a, string b)
    {
        var row = Enumerable.Range(0, b.Length + 1).ToArray();
        for (var i = 1; i <= a.Length; i++)
        {
            var diagonal = row[0];
            row[0] = i;
            for (var j = 1; j <= b.Length; j++)
            {
                var above = row[j];
                row[j] = Math.Min(Math.Min(row[j] + 1, row[j - 1] + 1), diagonal + (a[i - 1] == b[j - 1] ? 0 : 1));
                diagonal = above;
            }
        }

        return row[b.Length];
    }
}
