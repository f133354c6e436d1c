namespace EventAuth.Guarantee;

/// <summary>SplitMix64: the same seed draws the same numbers, on every machine.</summary>
internal sealed class Dice(ulong seed)
{
    private readonly Lock _lock = new();
    private ulong _state = seed;

    /// <summary>From 0 up to, not including, the count.</summary>
    public int Below(int count) => (int)(Next() % (ulong)count);

    public bool Chance(double probability) => Next() / (double)ulong.MaxValue < probability;

    public TimeSpan Between(double fromSeconds, double toSeconds) =>
        TimeSpan.FromSeconds(fromSeconds + ((toSeconds - fromSeconds) * (Next() / (double)ulong.MaxValue)));

    public T Pick<T>(IReadOnlyList<T> of) => of[Below(of.Count)];

    /// <summary>Another source that this one's later draws do not change.</summary>
    public Dice Split() => new(Next());

    public List<T> Shuffle<T>(IEnumerable<T> of)
    {
        List<T> all = [.. of];
        for (var i = all.Count - 1; i > 0; i--)
        {
            var j = Below(i + 1);
            (all[i], all[j]) = (all[j], all[i]);
        }

        return all;
    }

    private ulong Next()
    {
        lock (_lock)
        {
            _state += 0x9E3779B97F4A7C15;
            var z = (_state ^ (_state >> 30)) * 0xBF58476D1CE4E5B9;
            z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
            return z ^ (z >> 31);
        }
    }
}
