using System.Globalization;
using EventAuth.Guarantee.Histories;

namespace EventAuth.Guarantee.Checking;

/// <summary>A promise that was broken.</summary>
/// <param name="Rule">C1 to C6.</param>
/// <param name="At">When, as in <see cref="Monotonic"/>.</param>
internal sealed record Violation(string Rule, long At, string What)
{
    /// <summary>One for all that one replica said wrongly about one session; none when it said nothing wrong.</summary>
    /// <param name="what">Told of the first.</param>
    public static IEnumerable<Violation> Of(string rule, IEnumerable<Ask> wrong, Func<Ask, string> what)
    {
        var asks = wrong.ToList();
        if (asks is [var first, .. var more])
        {
            yield return new Violation(rule, first.Start, what(first) + (more.Count == 0 ? "" : $", and {more.Count} times more until {Seconds(asks[^1].Start)}"));
        }
    }

    /// <summary>A time for people: seconds since the start of the program.</summary>
    public static string Seconds(long time) => (time / (double)Monotonic.Second).ToString("F3", CultureInfo.InvariantCulture) + " s";

    public override string ToString() => $"{Rule} at {Seconds(At)}: {What}";
}
