using System.Diagnostics;

namespace EventAuth.Guarantee.Histories;

/// <summary>The one clock of a history: monotonic nanoseconds since an arbitrary moment.</summary>
internal static class Monotonic
{
    public const long Millisecond = 1_000_000;
    public const long Second = 1_000 * Millisecond;

    private static readonly long Start = Stopwatch.GetTimestamp();

    public static long Now => Stopwatch.GetElapsedTime(Start).Ticks * TimeSpan.NanosecondsPerTick;

    public static double ToMilliseconds(long nanoseconds) => nanoseconds / (double)Millisecond;
}
