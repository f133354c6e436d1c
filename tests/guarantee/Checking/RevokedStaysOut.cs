using EventAuth.Guarantee.Histories;

namespace EventAuth.Guarantee.Checking;

/// <summary>C1 and C2: who was revoked is out within the bound, and does not come back.</summary>
internal static class RevokedStaysOut
{
    /// <summary>C1: no question that was begun later than the bound after the acknowledgement is answered by letting in.</summary>
    public static IEnumerable<Violation> Late(SessionEvidence session, Bounds bounds)
    {
        if (session.CoveredBy is not { Acked: { } acked } revocation)
        {
            return [];
        }

        return session.Asks.SelectMany((asks, replica) =>
        {
            var bound = bounds.After(acked, replica);
            return Violation.Of("C1", asks.Where(a => a.Verdict == Verdict.Allow && a.Start > acked + bound), a =>
                $"replica {replica} let session {a.Session} in {Monotonic.ToMilliseconds(a.Start - acked):F0} ms after {revocation.Jti} was acknowledged"
                + $" at {Violation.Seconds(acked)}; the bound there was {Monotonic.ToMilliseconds(bound):F0} ms");
        });
    }

    /// <summary>
    /// C2: after a replica's first refusal it never lets in again, and no replica does so later than Y after the acknowledgement
    /// (that half is C1's, whose bound is never longer).
    /// </summary>
    public static IEnumerable<Violation> Back(SessionEvidence session) => session.Asks.SelectMany((asks, replica) =>
    {
        var refused = asks.Where(a => a.Verdict == Verdict.Refused).Select(a => a.End).DefaultIfEmpty(long.MaxValue).Min();
        return Violation.Of("C2", asks.Where(a => a.Verdict == Verdict.Allow && a.Start > refused), a =>
            $"replica {replica} let session {a.Session} in although it had refused it at {Violation.Seconds(refused)}");
    });
}
