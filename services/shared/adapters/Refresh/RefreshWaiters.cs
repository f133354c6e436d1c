using System.Collections.Concurrent;
using EventAuth.Contracts;

namespace EventAuth.Adapters.Refresh;

/// <summary>Lets a flight that waits for another replica's result be woken by the store's notification.</summary>
public sealed class RefreshWaiters
{
    private readonly ConcurrentDictionary<SessionId, TaskCompletionSource> _waiting = new();

    /// <summary>
    /// Done at the next wake-up of this session. Begin before looking whether there is something to wait for: a wake-up
    /// between the look and the wait would be missed.
    /// </summary>
    public Task Begin(SessionId id) =>
        _waiting.GetOrAdd(id, _ => new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously)).Task;

    /// <summary>Waits for the wake-up, but not longer than the time: the notification is only a hint.</summary>
    public static async Task WaitAsync(Task woken, TimeSpan atMost, TimeProvider clock)
    {
        using var limit = new CancellationTokenSource();
        await Task.WhenAny(woken, Task.Delay(atMost, clock, limit.Token));
        await limit.CancelAsync();
    }

    /// <summary>Nobody of this process waits any longer.</summary>
    public void End(SessionId id) => Wake(id);

    public void Wake(SessionId id)
    {
        if (_waiting.TryRemove(id, out var woken))
        {
            woken.TrySetResult();
        }
    }
}
