using EventAuth.Adapters.Telemetry;

namespace EventAuth.Adapters.Messaging;

/// <summary>How this process's relay stands, for operators.</summary>
public sealed class RelayState
{
    private long _failingSince;
    private long _backlog = -1;

    public RelayState(Metrics metrics)
    {
        metrics.Gauge("eventauth_outbox_backlog", "Feed rows that the broker has not confirmed, of all services, counted up to 100000 every 5 s; -1 before the first count",
            () => Volatile.Read(ref _backlog));
        metrics.Gauge("eventauth_bus_failing", "1 while this process's last publish failed", () => FailingSince is null ? 0 : 1);
    }

    /// <summary>Since when nothing has been confirmed; null while publishing works.</summary>
    public DateTimeOffset? FailingSince
    {
        get => Volatile.Read(ref _failingSince) is > 0 and var ticks ? new DateTimeOffset(ticks, TimeSpan.Zero) : null;
        internal set => Volatile.Write(ref _failingSince, value?.UtcTicks ?? 0);
    }

    /// <summary>Rows waiting when they were last counted; null before that.</summary>
    public long? Backlog
    {
        get => Volatile.Read(ref _backlog) is >= 0 and var count ? count : null;
        internal set => Volatile.Write(ref _backlog, value ?? -1);
    }
}
