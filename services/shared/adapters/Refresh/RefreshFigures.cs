using System.Collections.Concurrent;
using System.Diagnostics.Metrics;
using EventAuth.Adapters.Telemetry;

namespace EventAuth.Adapters.Refresh;

/// <summary>How the refreshes of this process go, for <c>/metrics</c> and <c>/status</c>.</summary>
public sealed class RefreshFigures
{
    private readonly Metrics _metrics;
    private readonly ConcurrentDictionary<string, long> _outcomes = new(StringComparer.Ordinal);
    private long _started;
    private long _joined;
    private int _inFlight;
    private int _waiting;

    public RefreshFigures(Metrics metrics)
    {
        _metrics = metrics;
        metrics.Counter("eventauth_refreshes_started_total", "Refreshes for which this process got the lease",
            () => [new Measurement<long>(Volatile.Read(ref _started))]);
        metrics.Gauge("eventauth_refreshes_in_flight", "Refreshes under way in this process", () => Volatile.Read(ref _inFlight));
        metrics.Gauge("eventauth_refreshes_waiting", "Callers that wait for a refresh that others began", () => Volatile.Read(ref _waiting));
    }

    /// <summary>The section of <c>/status</c>.</summary>
    public object Status => new
    {
        inFlight = Volatile.Read(ref _inFlight),
        waiting = Volatile.Read(ref _waiting),
        started = Volatile.Read(ref _started),
        joined = Volatile.Read(ref _joined),
        byOutcome = _outcomes.OrderBy(o => o.Key, StringComparer.Ordinal).ToDictionary(o => o.Key, o => o.Value),
    };

    /// <summary>This process has the lease; disposed when it has ended its work with it.</summary>
    public IDisposable Start()
    {
        Interlocked.Increment(ref _started);
        Interlocked.Increment(ref _inFlight);
        return new Count(() => Interlocked.Decrement(ref _inFlight));
    }

    /// <summary>Somebody waits for others; disposed when they need not any more.</summary>
    public IDisposable Wait()
    {
        Interlocked.Increment(ref _waiting);
        return new Count(() => Interlocked.Decrement(ref _waiting));
    }

    /// <summary>What the call to the IdP brought, once per call.</summary>
    /// <param name="outcome">One of a closed set.</param>
    public void Ended(string outcome)
    {
        _outcomes.AddOrUpdate(outcome, 1, (_, count) => count + 1);
        _metrics.Refreshed(outcome);
    }

    /// <summary>Somebody shared a refresh or found its result.</summary>
    public void Joined()
    {
        Interlocked.Increment(ref _joined);
        _metrics.RefreshJoined();
    }

    private sealed class Count(Action end) : IDisposable
    {
        public void Dispose() => end();
    }
}
