using System.Collections.Concurrent;
using System.Diagnostics;

namespace EventAuth.Vectors.Worlds;

/// <summary>
/// Whom our services ask by HTTP because of our requests: nobody but the IdP, whatever a token says. Our requests carry a
/// trace id, which the calls they lead to inherit; whatever else happens in this process is not looked at.
/// </summary>
internal sealed class OutgoingCalls : IDisposable
{
    private readonly ActivityTraceId _trace = ActivityTraceId.CreateRandom();
    private readonly ConcurrentQueue<string> _authorities = new();
    private readonly ActivityListener _listener;

    public OutgoingCalls()
    {
        _listener = new ActivityListener
        {
            ShouldListenTo = source => source.Name is "System.Net.Http" or "Microsoft.AspNetCore",
            Sample = (ref ActivityCreationOptions<ActivityContext> call) =>
                call.Parent.TraceId == _trace ? ActivitySamplingResult.AllData : ActivitySamplingResult.None,
            ActivityStopped = call =>
            {
                if (call.TraceId == _trace && call.Source.Name == "System.Net.Http")
                {
                    SawAny = true;
                    _authorities.Enqueue($"{call.GetTagItem("server.address")}:{call.GetTagItem("server.port")}");
                }
            },
        };
        ActivitySource.AddActivityListener(_listener);
    }

    /// <summary>Whether a call was ever seen: services that need keys must have made one.</summary>
    public bool SawAny { get; private set; }

    /// <summary>What marks a request as ours (W3C Trace Context).</summary>
    public (string Name, string Value) Header => ("traceparent", $"00-{_trace}-{ActivitySpanId.CreateRandom()}-01");

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
