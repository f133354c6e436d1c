namespace EventAuth.Vectors.Worlds;

/// <summary>The moment that a vector file names, as the time of day; it stands still. Timers and monotonic time are the real ones.</summary>
internal sealed class FileClock(DateTimeOffset start) : TimeProvider
{
    private long _ticks = start.UtcTicks;

    public override DateTimeOffset GetUtcNow() => new(Volatile.Read(ref _ticks), TimeSpan.Zero);

    public void Set(DateTimeOffset now) => Volatile.Write(ref _ticks, now.UtcTicks);
}
