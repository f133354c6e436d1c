using EventAuth.Guarantee.Histories;

namespace EventAuth.Guarantee.Checking;

/// <summary>C6: when all is healed, every replica knows what the store knows.</summary>
internal static class ReplicasAgree
{
    public static IEnumerable<Violation> Check(History history, IReadOnlyList<SessionEvidence> sessions)
    {
        var end = history.FinalAsks.Select(a => a.Start).DefaultIfEmpty(0).Min();
        var asks = history.FinalAsks.ToLookup(a => a.Session);
        foreach (var session in sessions.Where(s => s.CoveredBy is not null))
        {
            foreach (var ask in asks[session.Trace.Id].Where(a => a.Verdict != Verdict.Refused))
            {
                yield return new Violation("C6", ask.Start, $"in the end replica {ask.Replica} answers {ask.Status} about session {ask.Session}, which {session.CoveredBy!.Jti} ended");
            }
        }

        if (history.Final is not { } final)
        {
            yield break;
        }

        for (var replica = 0; replica < final.Applied.Count; replica++)
        {
            if (final.Applied[replica] != final.Head)
            {
                yield return new Violation("C6", end, $"in the end replica {replica} has applied {final.Applied[replica]} of {final.Head}");
            }
        }

        foreach (var session in sessions.Where(s => s.CoveredBy is not null && final.Live.Contains(s.Trace.Id)))
        {
            yield return new Violation("C6", end, $"in the end the store lets session {session.Trace.Id} live, which {session.CoveredBy!.Jti} ended");
        }

        foreach (var ask in history.FinalAsks.Where(a => a.Verdict == Verdict.Allow != final.Live.Contains(a.Session)))
        {
            yield return new Violation("C6", ask.Start, $"in the end replica {ask.Replica} answers {ask.Status} about session {ask.Session}, which the store "
                + (final.Live.Contains(ask.Session) ? "lets live" : "has ended"));
        }
    }
}
