using System.Collections.Concurrent;
using System.Diagnostics.Metrics;
using EventAuth.Adapters.Postgres;
using EventAuth.Adapters.Refresh;
using EventAuth.Adapters.Settings;
using EventAuth.Adapters.Telemetry;

namespace EventAuth.Revalidator;

/// <summary>How the checks at one issuer stand. Per second: of the last some seconds.</summary>
internal sealed record LaneFigures(
    long Due, int InFlight, double BegunPerSecond, double VerifiedPerSecond, double OldestUnverifiedSeconds, ProviderCondition? Provider);

/// <summary>How the checks stand, for <c>/status</c> and metrics.</summary>
internal sealed class RevalidationProgress(ProviderHealth health, StorePause pause, EventAuthSettings settings, TimeProvider clock)
{
    private readonly ConcurrentDictionary<string, Entry> _entries = new(StringComparer.Ordinal);
    private long _updatedAt = clock.GetTimestamp();

    public void Add(IssuerLane lane) => _entries[lane.Issuer] = new Entry(lane);

    /// <summary>Takes over what the store says, and counts what the lanes did since the last time.</summary>
    public void Update(IReadOnlyList<DueFigures> figures)
    {
        var elapsed = clock.GetElapsedTime(_updatedAt).TotalSeconds;
        _updatedAt = clock.GetTimestamp();
        var byIssuer = figures.ToDictionary(f => f.Issuer, StringComparer.Ordinal);
        foreach (var (issuer, entry) in _entries)
        {
            entry.Figures = byIssuer.GetValueOrDefault(issuer) ?? new DueFigures(issuer, 0, null);
            if (elapsed > 0)
            {
                entry.BegunPerSecond = (entry.Lane.Begun - entry.Begun) / elapsed;
                entry.VerifiedPerSecond = (entry.Lane.Verified - entry.Verified) / elapsed;
                (entry.Begun, entry.Verified) = (entry.Lane.Begun, entry.Lane.Verified);
            }
        }
    }

    public object Describe()
    {
        var lanes = Lanes();
        return new
        {
            Enabled = settings.Revalidation.Interval > TimeSpan.Zero,
            Paused = pause.Holds,
            Due = lanes.Values.Sum(l => l.Due),
            InFlight = lanes.Values.Sum(l => l.InFlight),
            VerifiedPerSecond = Math.Round(lanes.Values.Sum(l => l.VerifiedPerSecond), 2),
            OldestUnverifiedSeconds = lanes.Values.Select(l => l.OldestUnverifiedSeconds).DefaultIfEmpty().Max(),
            settings.Revalidation.Rate,
            Issuers = lanes,
        };
    }

    public void Measure(Metrics metrics)
    {
        Gauge(metrics, "eventauth_revalidation_due", "Sessions whose check is due, by issuer", l => l.Due);
        Gauge(metrics, "eventauth_revalidation_in_flight", "Sessions being checked now, by issuer", l => l.InFlight);
        Gauge(metrics, "eventauth_revalidation_begun_per_second", "Checks begun by this worker, by issuer", l => l.BegunPerSecond);
        Gauge(metrics, "eventauth_revalidation_verified_per_second", "Sessions verified by this worker, by issuer", l => l.VerifiedPerSecond);
        Gauge(metrics, "eventauth_revalidation_oldest_unverified_seconds",
            "Time since the longest unverified session that does not rest was verified, by issuer", l => l.OldestUnverifiedSeconds);
        Gauge(metrics, "eventauth_provider_state", "0 answering, 1 away, 2 misconfigured; by issuer", l => l.Provider?.State switch
        {
            "away" => 1,
            "misconfigured" => 2,
            _ => 0,
        });
    }

    private void Gauge(Metrics metrics, string name, string description, Func<LaneFigures, double> value) =>
        metrics.Gauge(name, description, () => Lanes().Select(l =>
            new Measurement<double>(value(l.Value), new KeyValuePair<string, object?>("issuer", l.Key))));

    private Dictionary<string, LaneFigures> Lanes()
    {
        var (providers, now) = (health.All, clock.GetUtcNow());
        return _entries.ToDictionary(e => e.Key, e => new LaneFigures(
            e.Value.Figures.Due, e.Value.Lane.InFlight, Math.Round(e.Value.BegunPerSecond, 2), Math.Round(e.Value.VerifiedPerSecond, 2),
            e.Value.Figures.OldestVerifiedAt is { } at && now > at ? Math.Round((now - at).TotalSeconds, 1) : 0, providers.GetValueOrDefault(e.Key)));
    }

    private sealed class Entry(IssuerLane lane)
    {
        public IssuerLane Lane => lane;

        public DueFigures Figures { get; set; } = new(lane.Issuer, 0, null);

        public long Begun { get; set; }

        public long Verified { get; set; }

        public double BegunPerSecond { get; set; }

        public double VerifiedPerSecond { get; set; }
    }
}
