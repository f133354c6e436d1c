namespace EventAuth.Services.Tests.Harness;

/// <summary>A machine whose wall clock is wrong, and can jump. Monotonic time and timers are the real ones, as on such a machine.</summary>
public sealed class OffsetClock(TimeSpan offset) : TimeProvider
{
    private long _offset = offset.Ticks;

    /// <summary>How far it is ahead.</summary>
    public TimeSpan Offset
    {
        get => TimeSpan.FromTicks(Volatile.Read(ref _offset));
        set => Volatile.Write(ref _offset, value.Ticks);
    }

    /// <inheritdoc />
    public override DateTimeOffset GetUtcNow() => System.GetUtcNow() + Offset;
}
