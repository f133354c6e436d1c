using EventAuth.Guarantee.Histories;

namespace EventAuth.Guarantee.Checking;

/// <summary>How fast one revocation was.</summary>
/// <param name="Fault">What was broken then, the last of several; "none" when nothing was.</param>
/// <param name="OutAfter">
/// From the acknowledgement until the last replica's first answer other than letting in, which no letting in follows: an upper
/// bound, as it was asked only every few milliseconds. A refusal counts from its answer; not knowing, which may take its time,
/// from its question. 0: it was over before. Null: nobody was asked afterwards.
/// </param>
/// <param name="LastIn">
/// From the acknowledgement to the start of the last question that was still answered by letting in: what the bound is about, and
/// a lower bound of the time until nobody gets in. 0: nobody got in afterwards.
/// </param>
/// <param name="AllowsAfter">How many questions that were begun after the acknowledgement were still answered by letting in.</param>
internal sealed record Latency(RevocationTrace Revocation, string Fault, long? OutAfter, long LastIn, int AllowsAfter)
{
    public const string NoFault = "none";

    /// <summary>One of each acknowledged revocation that hit a session.</summary>
    public static IReadOnlyList<Latency> Of(History history)
    {
        var sessions = Evidence.Of(history);
        var covered = sessions.SelectMany(s => s.Naming.Where(r => r.Acked is not null && r.Covers(s.Trace)).Select(r => (Revocation: r, Session: s)))
            .ToLookup(p => p.Revocation, p => p.Session, ReferenceEqualityComparer.Instance);
        return [.. history.Revocations.Where(covered.Contains).Select(r => Of(r, [.. covered[r]], history.Windows))];
    }

    private static Latency Of(RevocationTrace revocation, IReadOnlyList<SessionEvidence> sessions, IReadOnlyList<FaultWindow> windows)
    {
        var acked = revocation.Acked!.Value;
        var outs = sessions.SelectMany(s => s.Asks).Select(asks => LastOut(asks, acked)).ToList();
        var allows = sessions.SelectMany(s => s.Asks).SelectMany(a => a).Where(a => a.Verdict == Verdict.Allow && a.Start > acked).ToList();
        var fault = windows.Where(w => w.From <= acked + Bounds.X && acked <= w.To + Bounds.Reconnecting).OrderBy(w => w.From).Select(w => w.Fault).LastOrDefault(NoFault);
        return new Latency(revocation, fault, outs.Contains(null) ? null : outs.Max(),
            allows.Select(a => a.Start - acked).DefaultIfEmpty(0).Max(), allows.Count);
    }

    private static long? LastOut(IReadOnlyList<Ask> asks, long acked)
    {
        var lastIn = asks.Where(a => a.Verdict == Verdict.Allow).Select(a => a.Start).DefaultIfEmpty(long.MinValue).Max();
        var firstOut = asks.Where(a => a.Verdict != Verdict.Allow && a.Start > lastIn)
            .Select(a => a.Verdict == Verdict.Refused ? a.End : a.Start).DefaultIfEmpty(long.MaxValue).Min();
        return firstOut == long.MaxValue ? null : Math.Max(0, firstOut - acked);
    }
}
