using System.Globalization;
using System.Text;

namespace EventAuth.Services.Tests.Revalidator;

/// <summary>Draws how many calls came in each second, with the rate as a line; readable on light and dark ground.</summary>
internal static class RatePlot
{
    private const int Width = 900;
    private const int Height = 260;
    private const int Margin = 40;

    public static string Svg(IReadOnlyList<double> seconds, int rate, string title)
    {
        var counts = seconds.GroupBy(s => (int)s).ToDictionary(g => g.Key, g => g.Count());
        var length = counts.Keys.Max() + 1;
        var top = Math.Max(rate, counts.Values.Max()) * 1.1;
        double Y(double value) => Height - Margin - (value / top * (Height - (2 * Margin)));
        var bar = (Width - (2.0 * Margin)) / length;
        var svg = new StringBuilder();
        svg.Append(CultureInfo.InvariantCulture, $"<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {Width} {Height}\" font-family=\"sans-serif\" font-size=\"12\" fill=\"#888\">\n");
        svg.Append(CultureInfo.InvariantCulture, $"<text x=\"{Margin}\" y=\"20\">{title}: token calls at the IdP per second</text>\n");
        foreach (var (second, count) in counts.OrderBy(c => c.Key))
        {
            svg.Append(CultureInfo.InvariantCulture,
                $"<rect x=\"{Margin + (second * bar):0.0}\" y=\"{Y(count):0.0}\" width=\"{Math.Max(bar - 1, 0.5):0.0}\" height=\"{Height - Margin - Y(count):0.0}\" fill=\"#4a90d9\"/>\n");
        }

        svg.Append(CultureInfo.InvariantCulture, $"<line x1=\"{Margin}\" x2=\"{Width - Margin}\" y1=\"{Y(rate):0.0}\" y2=\"{Y(rate):0.0}\" stroke=\"#d94a4a\"/>\n");
        svg.Append(CultureInfo.InvariantCulture, $"<text x=\"{Width - Margin}\" y=\"{Y(rate) - 4:0.0}\" text-anchor=\"end\">rate {rate}</text>\n");
        foreach (var value in (int[])[0, rate / 2, rate])
        {
            svg.Append(CultureInfo.InvariantCulture, $"<text x=\"{Margin - 6}\" y=\"{Y(value) + 4:0.0}\" text-anchor=\"end\">{value}</text>\n");
        }

        svg.Append(CultureInfo.InvariantCulture, $"<text x=\"{Margin}\" y=\"{Height - 20}\">0 s</text><text x=\"{Width - Margin}\" y=\"{Height - 20}\" text-anchor=\"end\">{length} s</text>\n</svg>\n");
        return svg.ToString();
    }
}
