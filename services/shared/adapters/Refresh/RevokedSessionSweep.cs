using EventAuth.Adapters.Messaging;
using EventAuth.Adapters.Postgres;
using EventAuth.Adapters.Sessions;
using EventAuth.Adapters.Settings;
using EventAuth.Adapters.Telemetry;
using EventAuth.Contracts;
using EventAuth.Domain.Sessions;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace EventAuth.Adapters.Refresh;

/// <summary>
/// Writes into sessions' streams what is true already: that a revocation or time has ended them. Nobody waits for it:
/// gateways go by the feed and the clock. Several processes may sweep at once; who comes second finds it written.
///   1. It is driven by the feed, by position, and never looks through all sessions. A ring makes it read on; every
///      <see cref="Period"/> it also reads the last <see cref="Settling"/> again.
///   2. That overlap is for a login which checked the feed just before a revocation was committed and became visible
///      just after this sweep had passed.
///      A feed that ends before the cursor is that of a restored store: the sweep then begins anew.
///   3. The cursor moves on only when every end of a stretch was written (or can never be).
/// </summary>
public sealed class RevokedSessionSweep(
    Sweeps sweeps,
    SessionService sessions,
    EventAuthSettings settings,
    OutboxSignal outbox,
    SweepSignal signal,
    Metrics metrics,
    TimeProvider clock,
    Schema schema,
    ILogger<RevokedSessionSweep> log) : BackgroundService
{
    private const int Batch = 200;
    private const int Stretch = 500;
    private const int Concurrency = 4;
    private const int SliceOfSessions = 2000;

    private static readonly TimeSpan Period = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan Settling = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan ActivityKept = TimeSpan.FromDays(1);

    // Gateways write down activity some seconds late.
    private static readonly TimeSpan IdleSlack = TimeSpan.FromMinutes(1);

    private long? _seen;
    private long _settled;
    private long _lastFull;
    private Guid _idleCursor;
    private Guid _activityCursor;
    private bool _waiting;

    /// <summary>One full round: the feed, expired and idle sessions, old rows. Gives back how many ends were written.</summary>
    public async Task<int> RunOnceAsync(CancellationToken ct)
    {
        _lastFull = clock.GetTimestamp();
        if (_seen is null || await sweeps.HeadAsync(ct) < _settled)
        {
            _settled = await sweeps.StartAsync(settings.LongestLife, ct);
        }

        _seen = _settled;
        var ended = await FollowFeedAsync(full: true, ct);
        ended += await EndExpiredAsync(ct);
        ended += await EndIdleAsync(ct);
        await ForgetAsync(ct);
        return ended;
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        await schema.Applied.WaitAsync(stoppingToken);
        while (!stoppingToken.IsCancellationRequested)
        {
            try
            {
                var full = _seen is null || clock.GetElapsedTime(_lastFull) >= Period;
                var ended = full ? await RunOnceAsync(stoppingToken) : await FollowFeedAsync(full: false, stoppingToken);
                _waiting = false;
                if (ended > 0)
                {
                    log.Swept(ended);
                }
            }
            catch (Exception e) when (!stoppingToken.IsCancellationRequested)
            {
                Report(e);
            }

            await signal.WaitAsync(Period, clock, stoppingToken);
        }
    }

    private async Task<int> FollowFeedAsync(bool full, CancellationToken ct)
    {
        var ended = 0;
        while (true)
        {
            var from = _seen ?? 0;
            var stretch = await sweeps.NextAsync(from, Settling, Stretch, ct);
            var (count, complete) = await EndCondemnedAsync(from, stretch.Last, ct);
            ended += count;
            if (!complete)
            {
                // Invariant 3: the next full round begins at the settled position again.
                return ended;
            }

            _seen = stretch.Last;
            if (full)
            {
                // Only a full round has looked at everything before it again.
                _settled = stretch.Settled ?? _settled;
            }

            if (!stretch.Full)
            {
                return ended;
            }
        }
    }

    private async Task<(int Ended, bool Complete)> EndCondemnedAsync(long after, long upTo, CancellationToken ct)
    {
        var (ended, complete, lastId) = (0, true, Guid.Empty);
        while (upTo > after)
        {
            var condemned = await sweeps.CondemnedAsync(after, upTo, lastId, Batch, ct);
            var (count, missed) = await EndAllAsync(condemned, c => EndAsync(c.Id, c.Reason, c.Cause, c.Actor,
                WriteContext.Because(c.EventId?.ToString(), c.CorrelationId) with { Announce = false }, ct), c => c.Id, ct);
            ended += count;
            complete &= missed == 0;
            if (condemned.Count < Batch)
            {
                break;
            }

            lastId = condemned[^1].Id.Value;
        }

        return (ended, complete);
    }

    private async Task<int> EndExpiredAsync(CancellationToken ct)
    {
        var ended = 0;
        IReadOnlyList<SessionId> expired;
        int count;
        do
        {
            expired = await sweeps.ExpiredAsync(clock.GetUtcNow(), Batch, ct);
            (count, _) = await EndAllAsync(expired, id => EndAsync(id, EndReason.Expired, null, null,
                new WriteContext { Announce = false }, ct), id => id, ct);
            ended += count;
        }
        while (expired.Count == Batch && count > 0);

        return ended;
    }

    // Announced, unlike the others: another replica may have seen this session more recently than the store has.
    private async Task<int> EndIdleAsync(CancellationToken ct)
    {
        if (settings.Session.Idle <= TimeSpan.Zero)
        {
            return 0;
        }

        var slice = await sweeps.IdleAsync(
            _idleCursor, clock.GetUtcNow() - settings.Session.Idle - IdleSlack, SliceOfSessions, ct);
        _idleCursor = slice.Last ?? Guid.Empty;
        var (ended, _) = await EndAllAsync(slice.Found,
            id => EndAsync(id, EndReason.Idle, null, null, new WriteContext(), ct), id => id, ct);
        if (ended > 0)
        {
            outbox.Ring();
        }

        return ended;
    }

    private async Task ForgetAsync(CancellationToken ct)
    {
        await sweeps.TidyAsync(clock.GetUtcNow(), settings.LongestLife, SliceOfSessions, ct);
        _activityCursor = await sweeps.ForgetActivityAsync(
            _activityCursor, clock.GetUtcNow() - ActivityKept, SliceOfSessions, ct) ?? Guid.Empty;
    }

    // A stream that cannot be read is reported and passed over, so that it does not hold up the others.
    private async Task<(int Ended, int Missed)> EndAllAsync<T>(
        IReadOnlyList<T> found, Func<T, Task<bool>> end, Func<T, SessionId> id, CancellationToken ct)
    {
        var (ended, missed) = (0, 0);
        var options = new ParallelOptions { MaxDegreeOfParallelism = Concurrency, CancellationToken = ct };
        await Parallel.ForEachAsync(found, options, async (item, _) =>
        {
            try
            {
                if (await end(item))
                {
                    Interlocked.Increment(ref ended);
                }
            }
            catch (StreamConflictException)
            {
                Interlocked.Increment(ref missed);
            }
            catch (Exception e) when (e is not StoreUnavailableException && !ct.IsCancellationRequested)
            {
                log.EndFailed(id(item), e);
            }
        });
        return (ended, missed);
    }

    private async Task<bool> EndAsync(
        SessionId id, EndReason reason, string? cause, string? actor, WriteContext context, CancellationToken ct)
    {
        var outcome = await sessions.ExecuteAsync(
            id, new SessionCommand.End(reason, clock.GetUtcNow(), cause, actor), context, ct);
        if (outcome.Stored)
        {
            metrics.SessionEnded(reason.ToString());
        }

        return outcome.Stored;
    }

    private void Report(Exception error)
    {
        if (error is not StoreUnavailableException)
        {
            log.SweepFailed(error);
        }
        else if (!_waiting)
        {
            log.SweepWaits(error.InnerException?.Message ?? error.Message);
        }

        _waiting = error is StoreUnavailableException;
    }
}
