using System.Collections.Concurrent;
using System.Diagnostics.Metrics;
using EventAuth.Adapters.Postgres;
using EventAuth.Adapters.Refresh;
using EventAuth.Adapters.Settings;
using EventAuth.Adapters.Telemetry;

namespace EventAuth.Revalidator;

/// <summary>How the checks at one issuer stand. Per second: of the last some seconds.</summary>
/// <param name="LateSeconds">How long the session that waits longest has been due.</param>
/// <param name="Behind">That is longer than half an interval and a check's time limit.</param>
internal sealed record LaneFigures(
    long Due, int InFlight, double BegunPerSecond, double VerifiedPerSecond, double OldestUnverifiedSeconds, double LateSeconds, bool Behind,
    ProviderCondition? Provider);

/// <summary>
/// How the checks stand, for <c>/status</c> and metrics; says so when there are more sessions than the checks can keep up with.
/// An IdP that is away is no reason: its sessions are put off, not left waiting.
/// </summary>
internal sealed class RevalidationProgress(
    ProviderHealth health, StorePause pause, EventAuthSettings settings, TimeProvider clock, ILogger<RevalidationLoop> log)
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
            entry.Figures = byIssuer.GetValueOrDefault(issuer) ?? new DueFigures(issuer, 0, null, null);
            Tell(issuer, entry);
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
            Behind = lanes.Values.Any(l => l.Behind),
            LateSeconds = lanes.Values.Select(l => l.LateSeconds).DefaultIfEmpty().Max(),
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
        Gauge(metrics, "eventauth_revalidation_late_seconds", "How long the session that waits longest for its check has been due, by issuer", l => l.LateSeconds);
        Gauge(metrics, "eventauth_revalidation_behind", "1 while the checks fall behind: more than half an interval and a check's time limit late; by issuer",
            l => l.Behind ? 1 : 0);
        Gauge(metrics, "eventauth_provider_state", "0 answering, 1 away, 2 misconfigured; by issuer", l => l.Provider?.State switch
        {
            "away" => 1,
            "misconfigured" => 2,
            _ => 0,
        });
    }

    // Whoever the IdP has removed stays in for as long as the checks are late.
    private void Tell(string issuer, Entry entry)
    {
        var rules = settings.Revalidation;
        entry.Late = entry.Figures.LongestDueAt is { } at && clock.GetUtcNow() - at is var late && late > TimeSpan.Zero ? late : TimeSpan.Zero;
        var behind = entry.Late > (rules.Interval / 2) + rules.Timeout;
        if (behind && !entry.Behind)
        {
            log.FallsBehind(issuer, entry.Late, entry.Figures.Due, rules.Rate, rules.Concurrency);
        }
        else if (!behind && entry.Behind)
        {
            log.CaughtUp(issuer);
        }

        entry.Behind = behind;
    }

    private void Gauge(Metrics metrics, string name, string description, Func<LaneFigures, double> value) =>
        metrics.Gauge(name, description, () => Lanes().Select(l =>
            new Measurement<double>(value(l.Value), new KeyValuePair<string, object?>("issuer", l.Key))));

    private Dictionary<string, LaneFigures> Lanes()
    {
        var (providers, now) = (health.All, clock.GetUtcNow());
        return _entries.ToDictionary(e => e.Key, e => new LaneFigures(
            e.Value.Figures.Due, e.Value.Lane.InFlight, Math.Round(e.Value.BegunPerSecond, 2), Math.Round(e.Value.VerifiedPerSecond, 2),
            e.Value.Figures.OldestVerifiedAt is { } at && now > at ? Math.Round((now - at).TotalSeconds, 1) : 0,
            Math.Round(e.Value.Late.TotalSeconds, 1), e.Value.Behind, providers.GetValueOrDefault(e.Key)));
    }

    private sealed class Entry(IssuerLane lane)
    {
        public IssuerLane Lane => lane;

        public DueFigures Figures { get; set; } = new(lane.Issuer, 0, null, null);

        public TimeSpan Late { get; set; }

        public bool Behind { get; set; }

        public long Begun { get; set; }

        public long Verified { get; set; }

        public double BegunPerSecond { get; set; }

        public double VerifiedPerSecond { get; set; }
    }
}
