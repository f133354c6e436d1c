using MassTransit;
using Microsoft.Extensions.Logging;

namespace EventAuth.Adapters.Messaging;

/// <summary>
/// Says in one line that there is no connection to the broker, and in one that there is again. The library's own lines come
/// with a page of stack each time it tries (<c>ServiceHost</c> leaves them out).
/// </summary>
internal sealed class BrokerWatch(ILogger<BrokerWatch> log) : IReceiveEndpointObserver
{
    private readonly HashSet<Uri> _without = [];

    public Task Faulted(ReceiveEndpointFaulted faulted)
    {
        lock (_without)
        {
            if (_without.Add(faulted.InputAddress) && _without.Count == 1)
            {
                log.BrokerUnreachable(faulted.Exception?.GetBaseException().Message ?? "unknown");
            }
        }

        return Task.CompletedTask;
    }

    public Task Ready(ReceiveEndpointReady ready)
    {
        lock (_without)
        {
            if (_without.Remove(ready.InputAddress) && _without.Count == 0)
            {
                log.BrokerReached();
            }
        }

        return Task.CompletedTask;
    }

    public Task Stopping(ReceiveEndpointStopping stopping) => Task.CompletedTask;

    public Task Completed(ReceiveEndpointCompleted completed) => Task.CompletedTask;
}
