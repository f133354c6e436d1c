using EventAuth.Guarantee.Histories;

namespace EventAuth.Guarantee.Load;

/// <summary>Signs people in until there are as many sessions as there should be, and again whenever some have ended.</summary>
/// <param name="signIn">Signs a person in by one of the gateways; null when that is not possible now.</param>
internal sealed class Keeper(
    Func<string, int, CancellationToken, Task<SignedIn?>> signIn, IReadOnlyList<string> persons, Population population, Recorder recorder,
    History history, Dice dice, int sessions) : IDisposable
{
    private const int AtOnce = 4;
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(100);
    private readonly SemaphoreSlim _free = new(AtOnce, AtOnce);
    private int _underWay;
    private int _turn;

    /// <summary>Waits until all have signed in for the first time.</summary>
    /// <exception cref="InvalidOperationException">Nobody can.</exception>
    public async Task FillAsync(TimeSpan limit, CancellationToken ct)
    {
        var until = Monotonic.Now + (limit.Ticks * TimeSpan.NanosecondsPerTick);
        while (population.Live < sessions)
        {
            if (Monotonic.Now > until)
            {
                throw new InvalidOperationException($"only {population.Live} of {sessions} sessions could be signed in");
            }

            Refill(ct);
            await Task.Delay(10, ct);
        }
    }

    public async Task RunAsync(CancellationToken ct)
    {
        while (!ct.IsCancellationRequested)
        {
            Refill(ct);
            await Task.Delay(20, ct).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    /// <summary>Signs one person in, as soon as there is a place.</summary>
    public async Task SignInAsync(string sub, CancellationToken ct)
    {
        Interlocked.Increment(ref _underWay);
        try
        {
            await _free.WaitAsync(ct);
            try
            {
                await TryAsync(sub, ct);
            }
            finally
            {
                _free.Release();
            }
        }
        catch (OperationCanceledException) when (ct.IsCancellationRequested)
        {
            // The run is over.
        }
        finally
        {
            Interlocked.Decrement(ref _underWay);
        }
    }

    public void Dispose() => _free.Dispose();

    private void Refill(CancellationToken ct)
    {
        for (var missing = sessions - population.Live - Volatile.Read(ref _underWay); missing > 0; missing--)
        {
            _ = SignInAsync(dice.Pick(persons), ct);
        }
    }

    private async Task TryAsync(string sub, CancellationToken ct)
    {
        if (await signIn(sub, (Interlocked.Increment(ref _turn) & int.MaxValue) % history.Replicas, ct) is { } done)
        {
            var subscriber = new Subscriber(history.Begin(done.Sub, done.Sid, done.Begun, done.Done), done.Cookie);
            population.Add(subscriber);
            recorder.Introduce(subscriber);
        }
        else
        {
            await Task.Delay(Pause, ct);
        }
    }
}
