using System.Collections.Concurrent;
using EventAuth.Contracts;

namespace EventAuth.Adapters.Refresh;

/// <summary>Lets a flight that waits for another replica's result be woken by the store's notification.</summary>
public sealed class RefreshWaiters
{
    private readonly ConcurrentDictionary<SessionId, TaskCompletionSource> _waiting = new();

    /// <summary>Done at the next wake-up of this session, or after the time.</summary>
    public async Task WaitAsync(SessionId id, TimeSpan atMost, TimeProvider clock)
    {
        var woken = _waiting.GetOrAdd(id, _ => new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously));
        using var limit = new CancellationTokenSource();
        await Task.WhenAny(woken.Task, Task.Delay(atMost, clock, limit.Token));
        await limit.CancelAsync();
        _waiting.TryRemove(new KeyValuePair<SessionId, TaskCompletionSource>(id, woken));
    }

    public void Wake(SessionId id)
    {
        if (_waiting.TryRemove(id, out var woken))
        {
            woken.SetResult();
        }
    }
}
