using System.Collections.Frozen;

namespace EventAuth.Domain.Access;

/// <summary>A host, or every host below one.</summary>
internal readonly record struct HostPattern(string Name, bool Below)
{
    public static bool TryParse(string? text, out HostPattern pattern)
    {
        pattern = default;
        if (text is null)
        {
            return false;
        }

        var below = text.StartsWith("*.", StringComparison.Ordinal);
        if (!HostName.TryNormalise(below ? text[2..] : text, out var name) || (below && name[0] == '['))
        {
            return false;
        }

        pattern = new HostPattern(name, below);
        return true;
    }

    /// <summary>True when every host of <paramref name="other"/> is a host of this one.</summary>
    public bool Covers(HostPattern other) =>
        Below
            ? IsBelow(other.Name) || (other.Below && other.Name == Name)
            : !other.Below && other.Name == Name;

    private bool IsBelow(string name) =>
        name.Length > Name.Length
        && name[^(Name.Length + 1)] == '.'
        && name.EndsWith(Name, StringComparison.Ordinal);
}

/// <summary>
/// From a host to everything said about it, in the order it was said. The list of each pattern is joined beforehand with
/// the lists of all wider ones, so a look-up takes the narrowest pattern that fits and is done.
/// </summary>
internal sealed class HostIndex<T>
{
    private readonly FrozenDictionary<string, T[]> _exact;
    private readonly FrozenDictionary<string, T[]>.AlternateLookup<ReadOnlySpan<char>> _below;

    public HostIndex(IReadOnlyList<(HostPattern Pattern, T Value)> entries)
    {
        _exact = Join(entries, below: false);
        _below = Join(entries, below: true).GetAlternateLookup<ReadOnlySpan<char>>();
    }

    /// <summary>What was said about a normalised host; empty for a host nobody spoke of.</summary>
    public ReadOnlySpan<T> Find(string host)
    {
        if (_exact.TryGetValue(host, out var values))
        {
            return values;
        }

        var rest = host.AsSpan();
        while (rest.IndexOf('.') is >= 0 and var dot)
        {
            rest = rest[(dot + 1)..];
            if (_below.TryGetValue(rest, out values))
            {
                return values;
            }
        }

        return [];
    }

    private static FrozenDictionary<string, T[]> Join(IReadOnlyList<(HostPattern Pattern, T Value)> entries, bool below) =>
        entries.Select(e => e.Pattern)
            .Where(p => p.Below == below)
            .Distinct()
            .ToFrozenDictionary(
                p => p.Name,
                p => entries.Where(e => e.Pattern.Covers(p)).Select(e => e.Value).ToArray(),
                StringComparer.Ordinal);
}
