using EventAuth.Adapters.Hosting;
using EventAuth.Adapters.Postgres;
using EventAuth.Adapters.Refresh;
using EventAuth.Adapters.Sessions;
using EventAuth.Adapters.Settings;
using EventAuth.Adapters.Telemetry;
using EventAuth.Contracts;

namespace EventAuth.Revalidator;

/// <summary>
/// Takes due sessions and has them checked.
///   1. Only as many are claimed as there are free places, so that a lease begins when the work begins; it outlasts the
///      check's time limit.
///   2. No two checks of one subject run at once in this process. Over processes the lease keeps a session single, not a
///      subject: two sessions of one person have tokens of their own, and a second revocation of the same person is harmless.
///   3. While the store is away nothing is claimed and nobody is asked: what an IdP says could not be stored.
/// </summary>
public sealed class RevalidationLoop(
    DueSessions due,
    SessionCheck check,
    ProviderHealth health,
    Schema schema,
    ServiceState state,
    Metrics metrics,
    EventAuthSettings settings,
    TimeProvider clock,
    ILogger<RevalidationLoop> log) : BackgroundService
{
    private static readonly TimeSpan Poll = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan FiguresPeriod = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan LeaseSlack = TimeSpan.FromSeconds(5);

    private readonly Dictionary<SubjectKey, Task> _running = [];
    private DueFigures _figures = new(0, null);
    private long _figuresAt;
    private long _verified;
    private long _verifiedBefore;
    private double _verifiedPerSecond;
    private volatile int _inFlight;
    private volatile bool _paused;

    /// <summary>How it stands, for <c>/status</c>.</summary>
    public object Describe() => new
    {
        Enabled = settings.Revalidation.Interval > TimeSpan.Zero,
        Paused = _paused,
        _figures.Due,
        InFlight = _inFlight,
        VerifiedPerSecond = Math.Round(_verifiedPerSecond, 2),
        OldestUnverifiedSeconds = Math.Round(OldestUnverified().TotalSeconds, 1),
        Providers = health.All,
    };

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        state.Show("revalidation", Describe);
        if (settings.Revalidation.Interval <= TimeSpan.Zero)
        {
            log.Disabled();
            return;
        }

        state.Require("revalidation", () => _paused ? "the event store is away" : null);
        metrics.Gauge("eventauth_revalidation_due", "Sessions whose check is due", () => _figures.Due);
        metrics.Gauge("eventauth_revalidation_in_flight", "Sessions being checked now", () => _inFlight);
        metrics.Gauge("eventauth_revalidation_oldest_unverified_seconds", "Time since the longest unverified session was verified",
            () => OldestUnverified().TotalSeconds);
        await schema.Applied.WaitAsync(stoppingToken);
        while (!stoppingToken.IsCancellationRequested)
        {
            await TurnAsync(stoppingToken);
        }

        await Task.WhenAll(_running.Values);
    }

    private async Task TurnAsync(CancellationToken ct)
    {
        try
        {
            var more = await StartDueAsync(ct);
            await UpdateFiguresAsync(ct);
            Resume();
            if (!more)
            {
                await AnyDoneAsync(ct);
            }
        }
        catch (Exception e) when (!ct.IsCancellationRequested)
        {
            Pause(e);
            await Task.Delay(Poll, clock, ct).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
        catch (OperationCanceledException)
        {
            // The process is being stopped.
        }
    }

    /// <summary>Claims and starts; true when there may be more right now.</summary>
    private async Task<bool> StartDueAsync(CancellationToken ct)
    {
        var room = Math.Min(settings.Revalidation.Batch, settings.Revalidation.Concurrency - Forget());
        if (room <= 0)
        {
            return false;
        }

        var claimed = await due.ClaimAsync(
            clock.GetUtcNow(), _running.Keys, room, settings.Revalidation.Timeout + LeaseSlack, ct);
        foreach (var session in claimed)
        {
            _running[session.Subject.Key] = CheckAsync(session, ct);
        }

        _inFlight = _running.Count;
        return claimed.Count == room && _running.Count < settings.Revalidation.Concurrency;
    }

    private int Forget()
    {
        foreach (var (subject, task) in _running)
        {
            if (task.IsCompleted)
            {
                _running.Remove(subject);
            }
        }

        return _inFlight = _running.Count;
    }

    private async Task AnyDoneAsync(CancellationToken ct)
    {
        using var pause = CancellationTokenSource.CreateLinkedTokenSource(ct);
        await Task.WhenAny([.. _running.Values, Task.Delay(Poll, clock, pause.Token)]);
        await pause.CancelAsync();
    }

    // Never faults: what goes wrong with one session is reported and leaves the others alone.
    private async Task CheckAsync(DueSession session, CancellationToken ct)
    {
        try
        {
            if (await check.RunAsync(session, ct) is CheckStep.Keep)
            {
                Interlocked.Increment(ref _verified);
            }
        }
        catch (StoreUnavailableException)
        {
            metrics.Checked("store_away");
        }
        catch (OperationCanceledException) when (ct.IsCancellationRequested)
        {
            await GiveBackAsync(session);
        }
        catch (Exception e)
        {
            metrics.Checked("failed");
            log.CheckFailed(session.Id, e);
        }
    }

    private async Task GiveBackAsync(DueSession session)
    {
        try
        {
            await due.CompleteAsync(session, clock.GetUtcNow(), null, null, CancellationToken.None);
        }
        catch (StoreUnavailableException)
        {
            // The lease ends by itself.
        }
    }

    private async Task UpdateFiguresAsync(CancellationToken ct)
    {
        var elapsed = clock.GetElapsedTime(_figuresAt);
        if (_figuresAt != 0 && elapsed < FiguresPeriod)
        {
            return;
        }

        var verified = Interlocked.Read(ref _verified);
        _verifiedPerSecond = _figuresAt == 0 ? 0 : (verified - _verifiedBefore) / elapsed.TotalSeconds;
        (_verifiedBefore, _figuresAt) = (verified, clock.GetTimestamp());
        _figures = await due.FiguresAsync(clock.GetUtcNow(), ct);
    }

    private TimeSpan OldestUnverified() =>
        _figures.OldestVerifiedAt is { } at && clock.GetUtcNow() > at ? clock.GetUtcNow() - at : TimeSpan.Zero;

    private void Pause(Exception error)
    {
        if (error is not StoreUnavailableException)
        {
            log.LoopFailed(error);
        }
        else if (!_paused)
        {
            log.Paused(error.InnerException?.Message ?? error.Message);
        }

        _paused = true;
    }

    private void Resume()
    {
        if (_paused)
        {
            log.Resumed();
        }

        _paused = false;
    }
}
