using EventAuth.Adapters.Postgres;
using EventAuth.Adapters.Sessions;
using EventAuth.Adapters.Settings;
using EventAuth.Adapters.Telemetry;
using EventAuth.Contracts;

namespace EventAuth.Revalidator;

/// <summary>
/// The checks at one issuer. Each issuer has places, a rate and a pace of its own, so that a slow one keeps nobody else waiting.
///   1. Only as many sessions are claimed as there are free places and as the rate allows, so that a lease begins when the
///      work begins; it outlasts the check's time limit.
///   2. No two checks of one subject run at once. Over processes the claim sees to that, but for two claims in the same
///      instant; then two sessions of one person are asked about with tokens of their own, which is harmless.
///   3. While the store is away nothing is claimed and nobody is asked: what an IdP says could not be stored.
/// </summary>
internal sealed class IssuerLane(
    string issuer,
    DueSessions due,
    SessionCheck check,
    StorePause pause,
    Metrics metrics,
    EventAuthSettings settings,
    TimeProvider clock,
    ILogger log)
{
    private static readonly TimeSpan Poll = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan Pace = TimeSpan.FromMilliseconds(50);
    private static readonly TimeSpan LeaseSlack = TimeSpan.FromSeconds(5);

    private readonly Dictionary<SubjectKey, Task> _running = [];
    private long _begun;
    private long _verified;
    private volatile int _inFlight;

    public string Issuer => issuer;

    public int InFlight => _inFlight;

    /// <summary>Checks begun since the start.</summary>
    public long Begun => Interlocked.Read(ref _begun);

    /// <summary>Checks since the start by which the IdP stood by a session.</summary>
    public long Verified => Interlocked.Read(ref _verified);

    /// <summary>Works until it is told to stop, then ends what it has begun.</summary>
    public async Task RunAsync(CancellationToken ct)
    {
        while (!ct.IsCancellationRequested)
        {
            await TurnAsync(ct);
        }

        await Task.WhenAll(_running.Values);
    }

    private async Task TurnAsync(CancellationToken ct)
    {
        try
        {
            var wait = await StartDueAsync(ct);
            await wait;
        }
        catch (Exception e) when (!ct.IsCancellationRequested)
        {
            pause.Begin(e);
            await Task.Delay(Poll, clock, ct).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
        catch (OperationCanceledException)
        {
            // The process is being stopped.
        }
    }

    /// <summary>Claims and starts; what to wait for before looking again.</summary>
    private async Task<Task> StartDueAsync(CancellationToken ct)
    {
        var room = Math.Min(settings.Revalidation.Batch, settings.Revalidation.Concurrency - Forget());
        if (room <= 0)
        {
            return AnyDoneAsync(ct);
        }

        var claim = await due.ClaimAsync(new DueQuery(issuer, clock.GetUtcNow(), _running.Keys, room,
            settings.Revalidation.Timeout + LeaseSlack, settings.Revalidation.Rate), ct);
        pause.Over();
        foreach (var session in claim.Sessions)
        {
            _running[session.Subject.Key] = CheckAsync(session, ct);
        }

        _inFlight = _running.Count;
        Interlocked.Add(ref _begun, claim.Sessions.Count);
        if (claim.AtRate)
        {
            return Task.Delay(Pace, clock, ct);
        }

        return claim.Sessions.Count == room && _inFlight < settings.Revalidation.Concurrency ? Task.CompletedTask : AnyDoneAsync(ct);
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
        using var look = CancellationTokenSource.CreateLinkedTokenSource(ct);
        await Task.WhenAny([.. _running.Values, Task.Delay(Poll, clock, look.Token)]);
        await look.CancelAsync();
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
            await ReleaseAsync(session);
        }
        catch (Exception e)
        {
            metrics.Checked("failed");
            log.CheckFailed(session.Id, e);
        }
    }

    private async Task ReleaseAsync(DueSession session)
    {
        try
        {
            await due.ReleaseAsync(session, CancellationToken.None);
        }
        catch (StoreUnavailableException)
        {
            // The lease ends by itself.
        }
    }
}
