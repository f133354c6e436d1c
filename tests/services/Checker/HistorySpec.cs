using EventAuth.Guarantee.Checking;
using EventAuth.Guarantee.Histories;

namespace EventAuth.Services.Tests.Checker;

/// <summary>Writes a history down in milliseconds and lets it be judged.</summary>
internal sealed class HistorySpec
{
    private readonly History _history = new() { Replicas = 2 };

    /// <summary>A session of alice that signed in at 10 and is known to both replicas from 20 on.</summary>
    public static HistorySpec WithOneSession() => new HistorySpec().SignedIn("alice", "s0", 0, 10).Asked(0, 0, 200, 20, 21).Asked(0, 1, 200, 20, 21);

    public HistorySpec SignedIn(string sub, string sid, double begun, double done)
    {
        _history.Begin(sub, sid, Time(begun), Time(done));
        return this;
    }

    public HistorySpec Asked(int session, int replica, int status, double start, double end)
    {
        _history.Add(new Ask(session, (byte)replica, Ask.VerdictOf(status), (short)status, Time(start), Time(end)));
        return this;
    }

    public HistorySpec AskedInTheEnd(int session, int replica, int status)
    {
        _history.Add(new Ask(session, (byte)replica, Ask.VerdictOf(status), (short)status, Time(60_000), Time(60_001)), final: true);
        return this;
    }

    /// <param name="sid">Null: everything of the person.</param>
    /// <param name="acked">Null: never.</param>
    public HistorySpec Revoked(string sub, string? sid, double sent, double? acked, string jti = "j1")
    {
        _history.Add(new RevocationTrace(sub, sid, jti, Time(sent), acked is { } at ? Time(at) : null));
        return this;
    }

    public HistorySpec Wrong(string jti, int status)
    {
        _history.Add(new WrongToken(jti, "signature", status));
        return this;
    }

    public HistorySpec Broken(double from, double to, int? replica = null, bool loosens = true, bool excuses = true, string fault = "fault")
    {
        _history.Add(new FaultWindow(fault, replica, loosens, excuses, Time(from), Time(to)));
        return this;
    }

    public HistorySpec Ended(FinalState final)
    {
        _history.Final = final;
        return this;
    }

    /// <summary>The rules that were broken, each as often as it was; empty: none.</summary>
    public string Judged() => string.Join(' ', HistoryChecker.Check(_history).Select(v => v.Rule).Order(StringComparer.Ordinal));

    public IReadOnlyList<Latency> Latencies() => Latency.Of(_history);

    public static FinalState Final(
        IEnumerable<(string Jti, int Count)>? events = null, IEnumerable<int>? live = null, long head = 7, long[]? applied = null, string[]? audited = null) =>
        new((events ?? []).ToDictionary(e => e.Jti, e => e.Count), audited?.ToHashSet(), (live ?? []).ToHashSet(), head, applied ?? [head, head]);

    private static long Time(double milliseconds) => (long)(milliseconds * Monotonic.Millisecond);
}
