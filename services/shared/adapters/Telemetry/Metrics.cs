using System.Diagnostics.Metrics;

namespace EventAuth.Adapters.Telemetry;

/// <summary>Everything that is counted; methods are named by what happened. Labels are closed sets, never ids.</summary>
public sealed class Metrics : IDisposable
{
    private static readonly InstrumentAdvice<double> Latencies =
        new() { HistogramBucketBoundaries = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10] };

    private readonly Meter _meter = new("EventAuth");
    private readonly Counter<long> _logins;
    private readonly Counter<long> _sessionsEnded;
    private readonly Counter<long> _revocations;
    private readonly Counter<long> _logoutTokens;
    private readonly Counter<long> _frontchannelLogouts;
    private readonly Counter<long> _refreshes;
    private readonly Counter<long> _refreshesJoined;
    private readonly Counter<long> _checks;
    private readonly Counter<long> _published;
    private readonly Counter<long> _publishFailures;
    private readonly Counter<long> _poison;
    private readonly Histogram<double> _revocationLatency;
    private readonly Histogram<double> _revocationEverywhere;

    public Metrics()
    {
        _logins = _meter.CreateCounter<long>("eventauth_logins_total", description: "Logins by outcome");
        _sessionsEnded = _meter.CreateCounter<long>("eventauth_sessions_ended_total", description: "Ended sessions by reason");
        _revocations = _meter.CreateCounter<long>("eventauth_revocations_total", description: "Revocations committed, by source");
        _logoutTokens = _meter.CreateCounter<long>("eventauth_logout_tokens_total", description: "Logout tokens by outcome");
        _frontchannelLogouts = _meter.CreateCounter<long>("eventauth_frontchannel_logouts_total", description: "Front-channel logouts by outcome");
        _refreshes = _meter.CreateCounter<long>("eventauth_refreshes_total", description: "Calls to an IdP's token endpoint for a refresh, by outcome");
        _refreshesJoined = _meter.CreateCounter<long>("eventauth_refreshes_joined_total", description: "Requests that shared a refresh or found its result");
        _checks = _meter.CreateCounter<long>("eventauth_revalidations_total", description: "Checks of sessions at an IdP by outcome");
        _published = _meter.CreateCounter<long>("eventauth_bus_published_total", description: "Feed rows confirmed by the broker");
        _publishFailures = _meter.CreateCounter<long>("eventauth_bus_publish_failures_total", description: "Batches of which the broker did not confirm a message in time");
        _poison = _meter.CreateCounter<long>("eventauth_bus_poison_total", description: "Messages of the bus that could not be read, by kind");
        _revocationLatency = _meter.CreateHistogram<double>("eventauth_revocation_latency_seconds", "s",
            "From a revocation's commit to its being applied by this replica, on the database's clock",
            advice: Latencies);
        _revocationEverywhere = _meter.CreateHistogram<double>("eventauth_revocation_all_replicas_seconds", "s",
            "From a revocation's commit to its being applied by the last replica, on the database's clock; each told by one replica",
            advice: Latencies);
    }

    /// <summary>What an exporter listens to.</summary>
    public Meter Meter => _meter;

    public void LoggedIn(string outcome) => _logins.Add(1, new KeyValuePair<string, object?>("outcome", outcome));

    public void SessionEnded(string reason) => _sessionsEnded.Add(1, new KeyValuePair<string, object?>("reason", reason));

    public void Revoked(string source) => _revocations.Add(1, new KeyValuePair<string, object?>("source", source));

    public void LogoutToken(string outcome) => _logoutTokens.Add(1, new KeyValuePair<string, object?>("outcome", outcome));

    public void FrontchannelLogout(string outcome) =>
        _frontchannelLogouts.Add(1, new KeyValuePair<string, object?>("outcome", outcome));

    public void Refreshed(string outcome) => _refreshes.Add(1, new KeyValuePair<string, object?>("outcome", outcome));

    public void RefreshJoined() => _refreshesJoined.Add(1);

    public void Checked(string outcome) => _checks.Add(1, new KeyValuePair<string, object?>("outcome", outcome));

    public void Published(int count) => _published.Add(count);

    public void PublishFailed() => _publishFailures.Add(1);

    public void Poison(string kind) => _poison.Add(1, new KeyValuePair<string, object?>("kind", kind));

    public void RevocationApplied(TimeSpan latency) => _revocationLatency.Record(latency.TotalSeconds);

    public void RevocationEverywhere(TimeSpan latency) => _revocationEverywhere.Record(latency.TotalSeconds);

    /// <summary>A value that is read when somebody looks.</summary>
    public void Gauge(string name, string description, Func<double> value) =>
        _meter.CreateObservableGauge(name, value, description: description);

    /// <summary>Values with labels that are read when somebody looks.</summary>
    public void Gauge(string name, string description, Func<IEnumerable<Measurement<double>>> values) =>
        _meter.CreateObservableGauge(name, values, description: description);

    /// <summary>A count that lives elsewhere (the hot path counts in plain fields).</summary>
    public void Counter(string name, string description, Func<IEnumerable<Measurement<long>>> values) =>
        _meter.CreateObservableCounter(name, values, description: description);

    public void Dispose() => _meter.Dispose();
}
