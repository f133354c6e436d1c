using EventAuth.Guarantee.Histories;

namespace EventAuth.Guarantee.Checking;

/// <summary>C3 and C4: revocations hit those whom they name, and nobody else.</summary>
internal static class OthersStayIn
{
    /// <summary>C3: a session that began after somebody's revocation was acknowledged is let in, and not refused for that one.</summary>
    public static IEnumerable<Violation> AfterRevocation(SessionEvidence session, Bounds bounds)
    {
        if (session.Naming.LastOrDefault(r => r.Acked < session.Trace.Begun) is not { } earlier)
        {
            yield break;
        }

        var asks = session.Asks.SelectMany(a => a).Where(a => a.End < session.MayEndFrom).ToList();
        foreach (var violation in asks.Where(a => a.Verdict == Verdict.Refused).GroupBy(a => a.Replica).SelectMany(g => Violation.Of("C3", g, a =>
            $"replica {a.Replica} refused session {a.Session}, which began after {earlier.Jti} was acknowledged")))
        {
            yield return violation;
        }

        if (asks.Any(a => !bounds.Excuses(a)) && asks.TrueForAll(a => a.Verdict != Verdict.Allow))
        {
            yield return new Violation("C3", session.Trace.SignedIn,
                $"session {session.Trace.Id}, which began after {earlier.Jti} was acknowledged, was never let in");
        }
    }

    /// <summary>
    /// C4: who was not revoked is not refused; a replica may not know, or not answer, only while something is broken. Anything
    /// but 200, 401 and 503 is always wrong.
    /// </summary>
    public static IEnumerable<Violation> Unrevoked(SessionEvidence session, Bounds bounds)
    {
        // Refusals of those that began after a revocation are told in C3.
        var began = session.Naming.Any(r => r.Acked < session.Trace.Begun);
        return session.Asks.SelectMany(asks => (IEnumerable<Violation>)
        [
            .. Violation.Of("C4", asks.Where(a => a.Verdict == Verdict.Refused && a.End < session.MayEndFrom && !began), a =>
                $"replica {a.Replica} refused session {a.Session}, which nobody had revoked"),
            .. Violation.Of("C4", asks.Where(a => a.Verdict == Verdict.Unknown && !bounds.Excuses(a)), a =>
                $"replica {a.Replica} answered {(a.Status == 0 ? "nothing" : a.Status)} about session {a.Session} while nothing was broken"),
            .. Violation.Of("C4", asks.Where(a => a.Verdict == Verdict.Other), a => $"replica {a.Replica} answered {a.Status} about session {a.Session}"),
        ]);
    }
}
