namespace EventAuth.Adapters.Messaging;

/// <summary>Tells this process's relay that something was committed that the others should hear of.</summary>
public sealed class OutboxSignal : IDisposable
{
    private readonly SemaphoreSlim _bell = new(0, 1);

    public void Ring()
    {
        try
        {
            _bell.Release();
        }
        catch (SemaphoreFullException)
        {
            // It has rung already and nobody has looked yet.
        }
    }

    public void Dispose() => _bell.Dispose();

    /// <summary>Done when it rings, or after the time.</summary>
    public async Task WaitAsync(TimeSpan atMost, TimeProvider clock, CancellationToken ct)
    {
        using var pause = CancellationTokenSource.CreateLinkedTokenSource(ct);
        var rung = _bell.WaitAsync(pause.Token);
        await Task.WhenAny(rung, Task.Delay(atMost, clock, pause.Token));
        await pause.CancelAsync();
        await rung.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }
}
