using EventAuth.Adapters.Sessions;

namespace EventAuth.Revalidator;

/// <summary>Whether the checks rest because the event store is away; said once when it begins and once when it is over.</summary>
public sealed class StorePause(ILogger<StorePause> log)
{
    private int _paused;

    public bool Holds => Volatile.Read(ref _paused) == 1;

    public void Begin(Exception error)
    {
        var first = Interlocked.Exchange(ref _paused, 1) == 0;
        if (error is not StoreUnavailableException)
        {
            log.LoopFailed(error);
        }
        else if (first)
        {
            log.Paused(error.InnerException?.Message ?? error.Message);
        }
    }

    public void Over()
    {
        if (Interlocked.Exchange(ref _paused, 0) == 1)
        {
            log.Resumed();
        }
    }
}
