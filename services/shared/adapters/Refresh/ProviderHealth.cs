using System.Collections.Concurrent;
using System.Security.Cryptography;
using EventAuth.Adapters.Settings;
using EventAuth.Domain.Refresh;
using Microsoft.Extensions.Logging;

namespace EventAuth.Adapters.Refresh;

/// <summary>How an IdP does, as the questions to it show.</summary>
/// <param name="State"><c>answering</c>, <c>away</c> or <c>misconfigured</c> (it rejects us, the client).</param>
/// <param name="Failures">Questions in a row that brought no answer.</param>
/// <param name="NextProbe">When it is asked again; null when it may be asked now.</param>
public sealed record ProviderCondition(string State, string Error, DateTimeOffset Since, int Failures, DateTimeOffset? NextProbe);

/// <summary>
/// Remembers for each IdP whether it answers. After some failures in a row it is really asked only now and then: an outage
/// of one IdP must not use up the time of the others', nor a crowd delay its return. The pause grows from 5 s to 30 s, with
/// some chance in it; one that the IdP itself demands is kept from its first word on. All that is done under
/// <c>onFailure: allow</c> only, because under <c>deny</c> an answer ends sessions and must be a real one.
/// </summary>
public sealed class ProviderHealth(EventAuthSettings settings, TimeProvider clock, ILogger<ProviderHealth> log)
{
    private const int OutageAfter = 5;
    private const string Answering = "answering";
    private const string Away = "away";
    private const string Misconfigured = "misconfigured";

    private static readonly TimeSpan ShortestPause = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan LongestRetry = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan AlarmPeriod = TimeSpan.FromSeconds(60);

    private readonly ConcurrentDictionary<string, Entry> _entries = new(StringComparer.Ordinal);

    /// <summary>Of each IdP that was asked.</summary>
    public IReadOnlyDictionary<string, ProviderCondition> All => _entries.ToDictionary(e => e.Key, e => Describe(e.Value));

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
            if (now < entry.NotBefore)
            {
                return new ProviderAnswer.Unavailable(entry.Condition.Error, entry.NotBefore - now);
            }

            if (entry.Condition.Failures < OutageAfter)
            {
                return null;
            }

            // One question finds out; whoever comes while it is under way waits for the next.
            entry.NotBefore = now + Pause(++entry.Probes);
            return null;
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
            entry.Condition = new ProviderCondition(state, error, state == before.State ? before.Since : now, failures, null);
            Plan_Locked(entry, answer, now);
            Tell_Locked(issuer, entry, before, now);
        }
    }

    private static void Plan_Locked(Entry entry, ProviderAnswer answer, DateTimeOffset now)
    {
        if (answer is not ProviderAnswer.Unavailable unavailable)
        {
            (entry.NotBefore, entry.Probes) = (now, 0);
            return;
        }

        // What was under way when the outage began must not make the pause longer.
        var next = entry.Condition.Failures == OutageAfter ? now + Pause(0) : entry.NotBefore;
        var demanded = unavailable.RetryAfter is { } wait ? now + Jittered(wait < LongestRetry ? wait : LongestRetry) : next;
        entry.NotBefore = demanded > next ? demanded : next;
    }

    // Several processes probe: they must not do so together for ever.
    private static TimeSpan Pause(int probes)
    {
        var pause = ShortestPause * Math.Pow(2, Math.Min(probes, 10));
        return Jittered(pause < LongestPause ? pause : LongestPause);
    }

    private static TimeSpan Jittered(TimeSpan pause) => pause * (RandomNumberGenerator.GetInt32(1000, 1101) / 1000.0);

    private ProviderCondition Describe(Entry entry)
    {
        lock (entry)
        {
            return entry.NotBefore > clock.GetUtcNow() ? entry.Condition with { NextProbe = entry.NotBefore } : entry.Condition;
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
        public ProviderCondition Condition { get; set; } = new(Answering, "", now, 0, null);

        /// <summary>Until then nobody asks.</summary>
        public DateTimeOffset NotBefore { get; set; } = now;

        /// <summary>Questions that were let through during the outage.</summary>
        public int Probes { get; set; }

        public DateTimeOffset LastAlarm { get; set; } = DateTimeOffset.MinValue;
    }
}
