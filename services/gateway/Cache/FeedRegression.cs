using EventAuth.Adapters.Postgres;

namespace EventAuth.Gateway.Cache;

/// <summary>
/// Notices that the store is not the one of before: a restored backup, or a standby that lagged. Everything in memory is
/// dropped then, and every session is checked at its IdP as soon as possible, because revocations may be lost. Sessions
/// stay in use until that check: what else to do is for the operator to say.
/// </summary>
internal sealed class FeedRegression(
    RevocationView view, SessionCache cache, UnknownIds unknown, DueSessions due, TimeProvider clock, ILogger<FeedRegression> log)
{
    private const int SessionsAtOnce = 2000;

    private Guid _epoch;
    private Guid? _appliedEvent;
    private Guid? _checkAfter;
    private long _count;

    /// <summary>How often since the start.</summary>
    public long Count => Volatile.Read(ref _count);

    /// <summary>When last; null: never since the start.</summary>
    public DateTimeOffset? At { get; private set; }

    /// <summary>
    /// Whether a page comes from another store: the tables were made anew, positions go back, or something else stands where
    /// we were. The newest row is never deleted, and ours was the newest. If so, everything known is dropped.
    /// </summary>
    public bool Noticed(FeedPage page)
    {
        if ((_epoch == Guid.Empty || _epoch == page.Epoch) && page.Head >= view.Applied
            && (view.Applied == 0 || page.AppliedEvent == _appliedEvent))
        {
            _epoch = page.Epoch;
            return false;
        }

        log.FeedRegressed(view.Applied, page.Head);
        view.Reset();
        cache.Clear();
        unknown.Clear();
        (_epoch, _appliedEvent, _checkAfter) = (page.Epoch, null, Guid.Empty);
        At = clock.GetUtcNow();
        Interlocked.Increment(ref _count);
        return true;
    }

    /// <summary>The event behind the position that is applied now.</summary>
    public void Applied(Guid? @event) => _appliedEvent = @event;

    /// <summary>
    /// Makes some more sessions due for a check, so that the feed is read in between. True: there are more. Several replicas
    /// do the same; that is harmless.
    /// </summary>
    public async Task<bool> ForceChecksAsync(CancellationToken ct)
    {
        if (_checkAfter is not { } after)
        {
            return false;
        }

        _checkAfter = await due.MakeDueAsync(after, SessionsAtOnce, ct);
        return _checkAfter is not null;
    }
}
