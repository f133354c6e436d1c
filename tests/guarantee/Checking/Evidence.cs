using EventAuth.Guarantee.Histories;

namespace EventAuth.Guarantee.Checking;

/// <summary>One session with all that concerns it.</summary>
/// <param name="Asks">By replica, in the order of their start; the final ones too.</param>
/// <param name="Naming">Every revocation that names it.</param>
internal sealed record SessionEvidence(SessionTrace Trace, IReadOnlyList<IReadOnlyList<Ask>> Asks, IReadOnlyList<RevocationTrace> Naming)
{
    /// <summary>The first acknowledged revocation that certainly hits it; null: none.</summary>
    public RevocationTrace? CoveredBy { get; } = Naming.Where(r => r.Acked is not null && r.Covers(Trace)).MinBy(r => r.Acked);

    /// <summary>From this moment on it may be refused; <see cref="long.MaxValue"/>: never.</summary>
    public long MayEndFrom { get; } = Naming.Where(r => r.MayCover(Trace)).Select(r => r.FirstSent).DefaultIfEmpty(long.MaxValue).Min();
}

/// <summary>A history sorted by sessions.</summary>
internal static class Evidence
{
    public static IReadOnlyList<SessionEvidence> Of(History history)
    {
        var asks = history.Sessions.Select(_ => Enumerable.Range(0, history.Replicas).Select(_ => new List<Ask>()).ToArray()).ToArray();
        foreach (var ask in history.Asks.Concat(history.FinalAsks))
        {
            asks[ask.Session][ask.Replica].Add(ask);
        }

        foreach (var list in asks.SelectMany(a => a))
        {
            list.Sort((a, b) => a.Start.CompareTo(b.Start));
        }

        var byPerson = history.Revocations.ToLookup(r => r.Sub);
        return [.. history.Sessions.Select(s => new SessionEvidence(s, asks[s.Id], [.. byPerson[s.Sub].Where(r => r.Names(s))]))];
    }
}
