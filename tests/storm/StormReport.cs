using System.Globalization;
using System.Text;
using EventAuth.Guarantee.Reports;

namespace EventAuth.Storm;

/// <summary>What is printed at the end.</summary>
internal static class StormReport
{
    private static readonly CompositeFormat Line = CompositeFormat.Parse("{0,-36} {1,7} {2,9} {3,8} {4,8} {5,6} {6,9} {7,9} {8,9}");

    /// <summary>What one kill hit and cost.</summary>
    public static string Describe(Cycle cycle, KillResult kill)
    {
        var victim = $"cycle {cycle.Number}: gateway-{kill.Kill.Victim + 1}";
        if (kill.At is null)
        {
            return $"{victim} did not come to {kill.Kill.Point} ({kill.Kill.Nth})";
        }

        var cost = cycle.Ended.Count == 0 ? "none ended" : $"ended: {string.Join(", ", cycle.Ended.Select(e => $"{e.Key.Sub} ({e.Value})"))}";
        return $"{victim} killed at {kill.Kill.Point} ({kill.Kill.Nth}): held {kill.Held.Count} leases, {kill.Asked.Count} of their refresh tokens "
            + $"were used and no successor stored; {cycle.Again} calls again; {cost}";
    }

    public static string Write(IReadOnlyList<Cycle> cycles)
    {
        var text = new StringBuilder();
        Row(text, "kind", "cycles", "requests", "calls", "again", "lost", "p50 ms", "p99 ms", "max ms");
        foreach (var kind in cycles.GroupBy(c => c.Kind).OrderBy(k => k.Key, StringComparer.Ordinal))
        {
            var times = new Quantiles(kind.SelectMany(c => c.Answers).Select(a => a.Nanoseconds));
            Row(text, kind.Key, kind.Count(), kind.Sum(c => c.Answers.Count), kind.Sum(c => c.Calls.Values.Sum()), kind.Sum(c => c.Again),
                kind.Sum(c => c.Ended.Count), Milliseconds(times.At(0.5)), Milliseconds(times.At(0.99)), Milliseconds(times.Max));
        }

        text.Append('\n').Append(CultureInfo.InvariantCulture, $"questions asked again at another gateway: {cycles.Sum(c => c.Answers.Sum(a => a.Retries))}");
        if (cycles.Any(c => c.Kill is not null))
        {
            text.Append(CultureInfo.InvariantCulture,
                $"; kills while refreshing: {cycles.Count(c => c.Kill?.At is not null)}, leases held then: {cycles.Sum(c => c.Kill?.Held.Count ?? 0)}");
            text.Append("\nA session ends as \"refresh lost\" when the IdP had rotated its token for the killed gateway: the successor died with it,"
                + "\nand the IdP takes the old one for stolen. Only a retry window at the IdP can prevent that (--retry-window).");
        }

        var calls = cycles.Sum(c => c.Calls.Values.Sum() + c.Early);
        var expected = cycles.Sum(c => c.Sessions + c.Early + (c.Kill?.Asked.Count ?? 0));
        text.Append(CultureInfo.InvariantCulture,
            $"\ncycles {cycles.Count} token_calls {calls} expected {expected} signouts {cycles.Sum(c => c.Ended.Count)} non200 {cycles.Sum(c => c.Non200)}");
        return text.ToString();
    }

    private static void Row(StringBuilder text, params object[] cells) =>
        text.Append(string.Format(CultureInfo.InvariantCulture, Line, cells).TrimEnd()).Append('\n');

    private static string Milliseconds(double time) => time.ToString("F1", CultureInfo.InvariantCulture);
}
