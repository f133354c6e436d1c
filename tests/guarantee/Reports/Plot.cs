using System.Globalization;
using System.Text;
using EventAuth.Guarantee.Checking;
using EventAuth.Guarantee.Histories;

namespace EventAuth.Guarantee.Reports;

/// <summary>The latencies as a picture: one row per fault, a dot per revocation, a box from p50 to p99, the two bounds as lines.</summary>
internal static class Plot
{
    private const double Left = 190;
    private const double Width = 720;
    private const double Right = 90;
    private const double Top = 64;
    private const double RowHeight = 30;
    private const double Bottom = 48;
    private const double Decades = 4;

    // Readable on a white page and on a dark one.
    private const string Style = """
        <style>
          svg { --ink: #1f2328; --soft: #6b7280; --grid: #e5e7eb; --page: #ffffff; --dot: #2563eb; --x: #b45309; --y: #b91c1c; font: 13px system-ui, sans-serif }
          @media (prefers-color-scheme: dark) { svg { --ink: #e6edf3; --soft: #9ca3af; --grid: #30363d; --page: #0d1117; --dot: #60a5fa; --x: #fbbf24; --y: #f87171 } }
          text { fill: var(--ink) } .soft { fill: var(--soft); font-size: 12px } .title { font-size: 16px; font-weight: 600 }
          .grid { stroke: var(--grid) } .dot { fill: var(--dot); fill-opacity: .35 } .x { stroke: var(--x); stroke-dasharray: 5 4; stroke-width: 1.5 } .y { stroke: var(--y); stroke-width: 1.5 }
          .x-text { fill: var(--x) } .y-text { fill: var(--y) } .box { fill: none; stroke: var(--ink); stroke-width: 1.2 } .median { stroke: var(--ink); stroke-width: 2.5 }
        </style>
        """;

    public static string Write(IReadOnlyList<Latency> latencies, string subtitle)
    {
        var rows = latencies.Where(l => l.OutAfter is not null).GroupBy(l => l.Fault)
            .OrderBy(g => g.Key != Latency.NoFault).ThenBy(g => g.Key, StringComparer.Ordinal).ToList();
        var bottom = Top + (rows.Count * RowHeight);
        var svg = new StringBuilder();
        svg.AppendLine(CultureInfo.InvariantCulture,
            $"""<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {Left + Width + Right} {bottom + Bottom}" role="img" aria-label="Time until a revoked session is out">""");
        svg.AppendLine(Style).AppendLine("""<rect width="100%" height="100%" fill="var(--page)"/>""");
        Text(svg, 16, 24, "title", "start", "From the acknowledged logout until no replica lets the session in");
        Text(svg, 16, 42, "soft", "start", subtitle);
        Axis(svg, bottom);
        for (var i = 0; i < rows.Count; i++)
        {
            Row(svg, Top + (i * RowHeight) + (RowHeight / 2), rows[i].Key, new Quantiles(rows[i].Select(l => l.OutAfter).OfType<long>()));
        }

        Bound(svg, bottom, "x", Bounds.X, "1 s");
        Bound(svg, bottom, "y", Bounds.Y, "5 s");
        return svg.AppendLine("</svg>").ToString();
    }

    private static void Axis(StringBuilder svg, double bottom)
    {
        foreach (var (milliseconds, name) in ((double, string)[])[(1, "1 ms"), (10, "10 ms"), (100, "100 ms"), (1000, "1 s"), (10_000, "10 s")])
        {
            Line(svg, At(milliseconds), Top - 4, At(milliseconds), bottom, "grid");
            Text(svg, At(milliseconds), bottom + 18, "soft", "middle", name);
        }

        Text(svg, Left + (Width / 2), bottom + 38, "soft", "middle", "a dot: one revocation, its last replica · box: p50 to p99 · thick line: p50");
    }

    private static void Row(StringBuilder svg, double middle, string fault, Quantiles times)
    {
        Text(svg, Left - 12, middle + 4, "", "end", fault);
        Text(svg, Left + Width + 10, middle + 4, "soft", "start", $"n {times.Sorted.Count}");
        for (var i = 0; i < times.Sorted.Count; i++)
        {
            // Beside each other, so that many are seen as many; by their number, so that a picture repeats.
            var y = middle + ((i * 7 % 13) - 6);
            svg.AppendLine(CultureInfo.InvariantCulture, $"""<circle class="dot" cx="{At(times.Sorted[i]):F1}" cy="{y:F1}" r="2.2"/>""");
        }

        var (median, high) = (At(times.At(0.5)), At(times.At(0.99)));
        svg.AppendLine(CultureInfo.InvariantCulture, $"""<rect class="box" x="{median:F1}" y="{middle - 9:F1}" width="{Math.Max(high - median, 1):F1}" height="18" rx="2"/>""");
        Line(svg, median, middle - 9, median, middle + 9, "median");
    }

    private static void Bound(StringBuilder svg, double bottom, string @class, long bound, string name)
    {
        var x = At(Monotonic.ToMilliseconds(bound));
        Line(svg, x, Top - 4, x, bottom, @class);
        Text(svg, x, Top - 8, @class + "-text", "middle", name);
    }

    private static double At(double milliseconds) => Left + (Math.Clamp(Math.Log10(Math.Max(milliseconds, 1)), 0, Decades) / Decades * Width);

    private static void Line(StringBuilder svg, double x1, double y1, double x2, double y2, string @class) =>
        svg.AppendLine(CultureInfo.InvariantCulture, $"""<line class="{@class}" x1="{x1:F1}" y1="{y1:F1}" x2="{x2:F1}" y2="{y2:F1}"/>""");

    private static void Text(StringBuilder svg, double x, double y, string @class, string anchor, string text) =>
        svg.AppendLine(CultureInfo.InvariantCulture, $"""<text class="{@class}" x="{x:F1}" y="{y:F1}" text-anchor="{anchor}">{text}</text>""");
}
