using EventAuth.Guarantee.Histories;

namespace EventAuth.Guarantee.Checking;

/// <summary>Judges a history: a pure function, rule by rule. Whatever cannot be decided from outside counts as kept.</summary>
internal static class HistoryChecker
{
    /// <summary>Every violation, in the order of time.</summary>
    public static IReadOnlyList<Violation> Check(History history)
    {
        var bounds = new Bounds(history.Windows);
        var sessions = Evidence.Of(history);
        return
        [
            .. sessions.SelectMany(s => RevokedStaysOut.Late(s, bounds)
                    .Concat(RevokedStaysOut.Back(s))
                    .Concat(OthersStayIn.AfterRevocation(s, bounds))
                    .Concat(OthersStayIn.Unrevoked(s, bounds)))
                .Concat(RecordIsWhole.Check(history))
                .Concat(ReplicasAgree.Check(history, sessions))
                .OrderBy(v => v.At),
        ];
    }
}
