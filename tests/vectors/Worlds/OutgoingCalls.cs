using System.Collections.Concurrent;
using System.Diagnostics;

namespace EventAuth.Vectors.Worlds;

/// <summary>Whom the services in this process ask by HTTP: nobody but the IdP, whatever a token says.</summary>
internal sealed class OutgoingCalls : IDisposable
{
    private readonly ConcurrentQueue<string> _authorities = new();
    private readonly ActivityListener _listener;

    public OutgoingCalls()
    {
        _listener = new ActivityListener
        {
            ShouldListenTo = source => source.Name == "System.Net.Http",
            Sample = (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.AllData,
            ActivityStopped = call => _authorities.Enqueue($"{call.GetTagItem("server.address")}:{call.GetTagItem("server.port")}"),
        };
        ActivitySource.AddActivityListener(_listener);
    }

    /// <summary>Everybody who was asked since the last look.</summary>
    public IReadOnlyList<string> Take()
    {
        var taken = new List<string>();
        while (_authorities.TryDequeue(out var authority))
        {
            taken.Add(authority);
        }

        return taken;
    }

    public void Dispose() => _listener.Dispose();
}
