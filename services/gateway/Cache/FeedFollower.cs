using EventAuth.Adapters.Hosting;
using EventAuth.Adapters.Postgres;
using EventAuth.Adapters.Refresh;
using EventAuth.Adapters.Sessions;
using EventAuth.Adapters.Settings;
using EventAuth.Adapters.Telemetry;
using EventAuth.Contracts;
using EventAuth.Domain.Subjects;

namespace EventAuth.Gateway.Cache;

/// <summary>
/// Keeps the revocation view fresh: reads the feed every second, and at once when the store or the bus says so. One read at a
/// time; a hint during a read leads to another read after it.
/// </summary>
internal sealed class FeedFollower(
    EventAuthSettings settings,
    RevocationFeed feed,
    Notifications notifications,
    RefreshWaiters waiters,
    RevocationView view,
    SessionCache cache,
    StoreGrace grace,
    FeedRegression regression,
    Schema schema,
    ServiceState state,
    Metrics metrics,
    Failpoints failpoints,
    TimeProvider clock,
    ILogger<FeedFollower> log) : BackgroundService
{
    // How long a request waits for the position that it demands.
    private static readonly TimeSpan LongestWait = TimeSpan.FromSeconds(1);

    // The longest that a session or an access token can live, and an hour for clocks.
    private readonly TimeSpan _horizon = settings.LongestLife + TimeSpan.FromHours(1);

    // Whoever has not reported for so long has lost its lease and lets nobody in from memory.
    private readonly TimeSpan _alive = settings.Revocation.Bound + TimeSpan.FromSeconds(1);
    private readonly SemaphoreSlim _hint = new(0, 1);
    private TaskCompletionSource _nextRound = NewRound();
    private bool _loaded;
    private bool _failing;

    /// <summary>"Read now": by the bus, by a NOTIFY.</summary>
    public void Hint()
    {
        try
        {
            _hint.Release();
        }
        catch (SemaphoreFullException)
        {
            // A read is due already.
        }
    }

    /// <summary>
    /// True once everything up to a position is applied. Otherwise the feed is read for the caller's sake: what is committed
    /// now is seen by a read that begins now, so one such read tells; nobody waits for more than a second.
    /// </summary>
    public async Task<bool> ReachAsync(long position)
    {
        if (view.Applied < position)
        {
            await NextRoundAsync();
        }

        return view.Applied >= position;
    }

    /// <summary>True once what is known of revocations is fresh enough; if it is not, the feed is read, within the same second.</summary>
    public async Task<bool> FreshenAsync()
    {
        if (view.IsLoaded && !view.LeaseHolds)
        {
            await NextRoundAsync();
        }

        return view.LeaseHolds;
    }

    private async Task NextRoundAsync()
    {
        var round = Volatile.Read(ref _nextRound).Task;
        Hint();
        await round.WaitAsync(LongestWait, clock).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    public override Task StartAsync(CancellationToken cancellationToken)
    {
        grace.Announce();

        // Before the listener opens: who asks early must hear "not ready".
        state.Require("revocations", () => _loaded && view.LeaseHolds ? null : "the revocation feed was not read recently enough");
        return base.StartAsync(cancellationToken);
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        await schema.Applied.WaitAsync(stoppingToken);
        var listening = ListenAsync(stoppingToken);
        var lastPrune = clock.GetTimestamp();
        while (!stoppingToken.IsCancellationRequested)
        {
            await ReadAsync(stoppingToken);
            if (clock.GetElapsedTime(lastPrune) > TimeSpan.FromMinutes(10))
            {
                cache.MarkOver(session => view.Ends(session));
                view.Prune(clock.GetUtcNow() - _horizon);
                lastPrune = clock.GetTimestamp();
            }

            await WaitAsync(stoppingToken);
        }

        await listening;
    }

    private async Task WaitAsync(CancellationToken ct)
    {
        using var pause = CancellationTokenSource.CreateLinkedTokenSource(ct);
        var hinted = _hint.WaitAsync(pause.Token);
        await Task.WhenAny(hinted, Task.Delay(settings.Revocation.PollInterval, clock, pause.Token));
        await pause.CancelAsync();
        await hinted.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    private async Task ReadAsync(CancellationToken ct)
    {
        var round = Interlocked.Exchange(ref _nextRound, NewRound());
        try
        {
            var news = await FollowAsync(ct);
            if (_failing)
            {
                _failing = false;
                log.FeedBack();
            }

            grace.Tell(storeAway: false);
            round.SetResult();
            await TellAsync(news, ct);
        }
        catch (Exception e) when (e is StoreUnavailableException or StreamConflictException)
        {
            if (!_failing)
            {
                _failing = true;
                log.FeedAway(e.InnerException?.Message ?? e.Message);
            }

            grace.Tell(storeAway: true);
        }
        catch (OperationCanceledException) when (ct.IsCancellationRequested)
        {
            // Stopping.
        }
        finally
        {
            round.TrySetResult();
        }
    }

    // What the others learn of this read. Should it fail, the read counts all the same, and the next one tells.
    private async Task TellAsync(News news, CancellationToken ct)
    {
        try
        {
            if (await regression.ForceChecksAsync(ct))
            {
                Hint();
            }

            if (news != News.None)
            {
                await ReportAsync(isNew: news == News.FirstLoad, ct);
            }
        }
        catch (Exception e) when (e is StoreUnavailableException or StreamConflictException)
        {
            log.NotTold(e.InnerException?.Message ?? e.Message);
        }
    }

    private async Task<News> FollowAsync(CancellationToken ct)
    {
        FeedPage page;
        do
        {
            await failpoints.ReachedAsync(Failpoints.FeedBeforeRead);
            var startedAt = clock.GetTimestamp();
            page = await feed.ReadAsync(settings.Instance, view.Applied, _horizon, ct);
            if (regression.Noticed(page))
            {
                _loaded = false;
                Hint();
                return News.None;
            }

            await failpoints.ReachedAsync(Failpoints.FeedBeforeApply);
            await ApplyAsync(page, startedAt);
        }
        while (page.Rows.Count == RevocationFeed.PageSize);

        var news = !_loaded ? News.FirstLoad : page.Rows.Count > 0 || page.Reached < view.Applied ? News.Some : News.None;
        _loaded = true;
        return news;
    }

    // What had been committed before this replica was there is no measure of how fast news travels.
    private async Task ReportAsync(bool isNew, CancellationToken ct)
    {
        foreach (var latency in await feed.ReportAsync(settings.Instance, view.Applied, _alive, ct))
        {
            if (!isNew)
            {
                metrics.RevocationEverywhere(latency);
            }
        }
    }

    private async Task ApplyAsync(FeedPage page, long startedAt)
    {
        foreach (var row in page.Rows)
        {
            Record(row);
            await failpoints.ReachedAsync(Failpoints.FeedWhileApplying);
            if (_loaded && RevocationRule.Revokes(row.Kind))
            {
                metrics.RevocationApplied(page.StoreTime - row.CommittedAt);
            }
        }

        var last = page.Rows.Count > 0 ? page.Rows[^1].Position : view.Applied;
        if (page.Rows.Count == RevocationFeed.PageSize)
        {
            // Not the end of the feed: what was read counts, but the knowledge is not fresh yet.
            view.Advance(last);
            regression.Applied(page.LastEvent);
        }
        else
        {
            view.Completed(startedAt, Math.Max(page.Head, last));
            regression.Applied(page.Head >= last ? page.HeadEvent : page.LastEvent);
        }
    }

    private void Record(in Revocation revocation)
    {
        view.Apply(revocation);
        if (revocation.Kind == RevocationKind.Changed)
        {
            cache.MarkStale(new SessionId(revocation.Key));
        }
        else if (revocation.Kind == RevocationKind.Session)
        {
            cache.MarkOver(new SessionId(revocation.Key));
        }
    }

    private async Task ListenAsync(CancellationToken ct)
    {
        while (!ct.IsCancellationRequested)
        {
            try
            {
                await notifications.ListenAsync(OnNews, ct);
            }
            catch (Exception e) when (e is StoreUnavailableException or OperationCanceledException)
            {
                // The poll goes on; try again soon.
                await Task.Delay(TimeSpan.FromMilliseconds(500), clock, ct).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
        }
    }

    private void OnNews(StoreNews news, string text)
    {
        if (news == StoreNews.Refreshed && SessionId.TryParse(text, out var id))
        {
            waiters.Wake(id);
        }
        else
        {
            Hint();
        }
    }

    /// <summary>What a read brought that the others do not know of this replica.</summary>
    private enum News
    {
        None = 0,
        Some,
        FirstLoad,
    }

    private static TaskCompletionSource NewRound() => new(TaskCreationOptions.RunContinuationsAsynchronously);
}
