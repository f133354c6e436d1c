using System.Globalization;
using System.Runtime.CompilerServices;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Unicode;

namespace EventAuth.Gateway.Pages;

/// <summary>Text that is HTML already. Made by <see cref="Of"/>, which escapes every value that is not.</summary>
internal readonly record struct Html(string Text)
{
    public static readonly Html Empty = new("");

    /// <summary><c>Html.Of($"&lt;p&gt;{name}&lt;/p&gt;")</c>: what stands in braces is escaped, unless it is <see cref="Html"/>.</summary>
    public static Html Of(HtmlText text) => text.ToHtml();

    /// <inheritdoc />
    public override string ToString() => Text;
}

/// <summary>Collects the parts of an interpolated string for <see cref="Html.Of"/>.</summary>
[InterpolatedStringHandler]
internal readonly ref struct HtmlText(int literalLength, int formattedCount)
{
    // Letters of all languages stay readable; what means something in HTML is always escaped.
    private static readonly HtmlEncoder Encoder = HtmlEncoder.Create(UnicodeRanges.All);
    private readonly StringBuilder _text = new(literalLength + (16 * formattedCount));

    public void AppendLiteral(string text) => _text.Append(text);

    public void AppendFormatted(string? text) => _text.Append(Encoder.Encode(text ?? ""));

    public void AppendFormatted(int number) => _text.Append(number.ToString(CultureInfo.InvariantCulture));

    public void AppendFormatted(Html html) => _text.Append(html.Text);

    public void AppendFormatted(IEnumerable<Html> parts) => _text.AppendJoin('\n', parts.Select(p => p.Text));

    /// <summary>A moment, to the minute, in the one time zone that needs no explanation.</summary>
    public void AppendFormatted(DateTimeOffset time) => _text.Append(CultureInfo.InvariantCulture,
        $"<time datetime=\"{time.UtcDateTime:yyyy-MM-dd'T'HH:mm:ss'Z'}\">{time.UtcDateTime:yyyy-MM-dd HH:mm} UTC</time>");

    internal Html ToHtml() => new(_text.ToString());
}
