using System.Globalization;
using System.Text;
using EventAuth.Guarantee.Checking;
using EventAuth.Guarantee.Histories;

namespace EventAuth.Guarantee.Reports;

/// <summary>What a run has found, for people.</summary>
internal static class TextReport
{
    private const int Told = 20;
    private static readonly string[] Rules = ["C1", "C2", "C3", "C4", "C5", "C6"];

    /// <param name="again">The command that does the same once more.</param>
    /// <param name="notChecked">What this run could not see; null: it saw all.</param>
    public static string Write(History history, IReadOnlyList<Violation> violations, IReadOnlyList<Latency> latencies, string again, string? notChecked)
    {
        var text = new StringBuilder();
        text.AppendLine().AppendLine("From the acknowledgement (200) until the last replica let nobody in any more, in milliseconds, an upper bound")
            .AppendLine("(it is asked every few milliseconds; who does not know answers late); last let in: the latest question that was still answered by a yes:").AppendLine();
        Row(text, "fault", "windows", "revocations", "p50", "p99", "p99.9", "max", "last let in", "let in after ack");
        foreach (var group in latencies.GroupBy(l => l.Fault).OrderBy(g => g.Key != Latency.NoFault).ThenBy(g => g.Key, StringComparer.Ordinal))
        {
            Row(text, group.Key, history.Windows.Count(w => w.Fault == group.Key), [.. group]);
        }

        Row(text, "all", history.Windows.Count, latencies);
        Facts(text, history, latencies);
        Violations(text, violations);
        if (notChecked is not null)
        {
            text.AppendLine(notChecked);
        }

        text.AppendLine().AppendLine($"again: {again}");
        var all = new Quantiles(latencies.Select(l => l.OutAfter).OfType<long>());
        return text.Append(CultureInfo.InvariantCulture,
            $"revocations {history.Revocations.Count(r => r.Acked is not null)} violations {violations.Count} p50_ms {all.At(0.5):F1} p99_ms {all.At(0.99):F1} max_ms {all.Max:F1}").ToString();
    }

    private static void Row(StringBuilder text, string fault, int windows, IReadOnlyList<Latency> latencies)
    {
        var times = new Quantiles(latencies.Select(l => l.OutAfter).OfType<long>());
        Row(text, fault, fault == Latency.NoFault ? "" : $"{windows}", $"{latencies.Count}", Number(times.At(0.5)), Number(times.At(0.99)),
            Number(times.At(0.999)), Number(times.Max), Number(Monotonic.ToMilliseconds(latencies.Select(l => l.LastIn).DefaultIfEmpty(0).Max())), $"{latencies.Sum(l => l.AllowsAfter)}");
    }

    private static void Row(StringBuilder text, string fault, string windows, string count, string p50, string p99, string p999, string max, string lastIn, string allows) =>
        text.AppendLine($"  {fault,-24} {windows,7} {count,11} {p50,8} {p99,8} {p999,8} {max,8} {lastIn,11} {allows,16}");

    private static string Number(double value) => value.ToString("F1", CultureInfo.InvariantCulture);

    private static void Facts(StringBuilder text, History history, IReadOnlyList<Latency> latencies)
    {
        var by = history.Asks.Concat(history.FinalAsks).CountBy(a => a.Verdict).ToDictionary();
        text.AppendLine().AppendLine(CultureInfo.InvariantCulture,
            $"{history.Sessions.Count} sessions, {history.Asks.Count} questions: {by.GetValueOrDefault(Verdict.Allow)} let in, {by.GetValueOrDefault(Verdict.Refused)} refused, "
            + $"{by.GetValueOrDefault(Verdict.Unknown)} answered 503 or not at all; {history.FinalAsks.Count} of them in the end, when all was healed.");
        text.AppendLine(CultureInfo.InvariantCulture,
            $"{history.Revocations.Count(r => r.Acked is null)} logouts were never acknowledged; {history.WrongTokens.Count} wrong tokens, "
            + $"{history.WrongTokens.Count(t => t.Status == 400)} of them answered 400; {latencies.Count(l => l.OutAfter is null)} revocations were not seen to their end.");
        foreach (var unseen in latencies.Where(l => l.OutAfter is null).Take(Told))
        {
            text.AppendLine($"  not seen to its end: {unseen.Revocation.Jti}");
        }
    }

    private static void Violations(StringBuilder text, IReadOnlyList<Violation> violations)
    {
        text.AppendLine(string.Join(", ", Rules.Select(r => $"{r} {violations.Count(v => v.Rule == r)}")) + " violations");
        foreach (var group in violations.GroupBy(v => v.Rule).OrderBy(g => g.Key, StringComparer.Ordinal))
        {
            foreach (var violation in group.Take(Told))
            {
                text.AppendLine($"  {violation}");
            }

            if (group.Count() > Told)
            {
                text.AppendLine($"  … and {group.Count() - Told} more of {group.Key}");
            }
        }
    }
}
