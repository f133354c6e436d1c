namespace EventAuth.Guarantee.Faults;

/// <summary>Everything that can be broken.</summary>
internal static class Catalogue
{
    public static IReadOnlyList<Fault> All { get; } = [.. LinkFaults.All, .. ProcessFaults.All, .. StoreFaults.All, .. MessageFaults.All];

    public static IReadOnlySet<string> Names { get; } = All.Select(f => f.Name).ToHashSet();

    /// <summary>The table of <c>--help</c>.</summary>
    public static string Table => string.Join('\n', All.OrderBy(f => f.Name, StringComparer.Ordinal).Select(f => $"  {f.Name,-24} {f.Story}"));
}
