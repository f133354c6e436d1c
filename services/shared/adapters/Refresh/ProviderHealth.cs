using System.Collections.Concurrent;
using EventAuth.Adapters.Settings;
using EventAuth.Domain.Refresh;
using Microsoft.Extensions.Logging;

namespace EventAuth.Adapters.Refresh;

/// <summary>How an IdP does, as the checks see it.</summary>
/// <param name="Failures">Questions in a row that brought no answer.</param>
public sealed record ProviderCondition(string State, string Error, DateTimeOffset Since, int Failures);

/// <summary>
/// Remembers for each IdP whether it answers. After some failures in a row only one question every few seconds is really
/// asked: an outage of one IdP must not use up the time of the others'. That is done under <c>onFailure: allow</c> only,
/// because under <c>deny</c> an answer ends sessions and must be a real one.
/// </summary>
public sealed class ProviderHealth(EventAuthSettings settings, TimeProvider clock, ILogger<ProviderHealth> log)
{
    private const int OutageAfter = 5;
    private const string Answering = "answering";
    private const string Away = "away";
    private const string Misconfigured = "misconfigured";

    private static readonly TimeSpan ProbePeriod = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan LongestRetry = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan AlarmPeriod = TimeSpan.FromSeconds(60);

    private readonly ConcurrentDictionary<string, Entry> _entries = new(StringComparer.Ordinal);

    /// <summary>Of each IdP that was asked.</summary>
    public IReadOnlyDictionary<string, ProviderCondition> All => _entries.ToDictionary(e => e.Key, e => e.Value.Condition);

    /// <summary>Null when the IdP may be asked, else what the last question brought.</summary>
    public ProviderAnswer.Unavailable? Outage(string issuer)
    {
        if (settings.Revalidation.OnFailure != OnFailure.Allow || !_entries.TryGetValue(issuer, out var entry))
        {
            return null;
        }

        lock (entry)
        {
            var now = clock.GetUtcNow();
            if (entry.Condition.Failures < OutageAfter || now >= entry.NextProbe)
            {
                entry.NextProbe = now + ProbePeriod;
                return null;
            }

            return new ProviderAnswer.Unavailable(entry.Condition.Error, entry.NextProbe - now);
        }
    }

    /// <summary>Takes note of what a question brought.</summary>
    public void Note(string issuer, ProviderAnswer answer)
    {
        var entry = _entries.GetOrAdd(issuer, _ => new Entry(clock.GetUtcNow()));
        lock (entry)
        {
            var now = clock.GetUtcNow();
            var before = entry.Condition;
            var (state, error, failures) = answer switch
            {
                ProviderAnswer.Unavailable a => (Away, a.Error, before.Failures + 1),
                ProviderAnswer.Misconfigured a => (Misconfigured, a.Error, 0),
                _ => (Answering, "", 0),
            };
            entry.Condition = new ProviderCondition(state, error, state == before.State ? before.Since : now, failures);
            if (answer is ProviderAnswer.Unavailable { RetryAfter: { } wait })
            {
                entry.NextProbe = now + (wait < LongestRetry ? wait : LongestRetry);
            }

            Tell_Locked(issuer, entry, before, now);
        }
    }

    private void Tell_Locked(string issuer, Entry entry, ProviderCondition before, DateTimeOffset now)
    {
        var condition = entry.Condition;
        switch (condition.State)
        {
            case Misconfigured when now - entry.LastAlarm >= AlarmPeriod:
                entry.LastAlarm = now;
                log.ProviderRejectsUs(issuer, condition.Error);
                break;
            case Away when condition.Failures == OutageAfter:
                log.ProviderAway(issuer, condition.Error);
                break;
            case Answering when before.State == Misconfigured || before.Failures >= OutageAfter:
                log.ProviderBack(issuer, before.Since);
                break;
        }
    }

    private sealed class Entry(DateTimeOffset now)
    {
        public ProviderCondition Condition { get; set; } = new(Answering, "", now, 0);

        public DateTimeOffset NextProbe { get; set; } = now;

        public DateTimeOffset LastAlarm { get; set; } = DateTimeOffset.MinValue;
    }
}
