using EventAuth.Guarantee.Histories;

namespace EventAuth.Guarantee.Checking;

/// <summary>The promised times, and which of them holds when.</summary>
internal sealed class Bounds(IReadOnlyList<FaultWindow> windows)
{
    /// <summary>While nothing is broken.</summary>
    public const long X = Monotonic.Second;

    /// <summary>Whatever is broken.</summary>
    public const long Y = 5 * Monotonic.Second;

    /// <summary>After a fault was healed, for connections to be made again.</summary>
    public const long Reconnecting = 2 * Monotonic.Second;

    /// <summary>How long a replica may let in what was acknowledged then.</summary>
    public long After(long acked, int replica) => windows.Any(w =>
        w.Loosens && Hits(w, replica) && w.From <= acked + X && acked <= w.To + Reconnecting) ? Y : X;

    /// <summary>Whether a replica may not know, or not answer at all.</summary>
    public bool Excuses(in Ask ask)
    {
        foreach (var window in windows)
        {
            if (window.Excuses && Hits(window, ask.Replica) && window.From <= ask.End && ask.Start <= window.To + Y)
            {
                return true;
            }
        }

        return false;
    }

    private static bool Hits(FaultWindow window, int replica) => window.Replica is null || window.Replica == replica;
}
