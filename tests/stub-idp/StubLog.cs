using System.Collections.Concurrent;
using System.Diagnostics;

namespace EventAuth.StubIdp;

/// <summary>One request that reached the stub.</summary>
/// <param name="Parameters">Of query and form; a test's IdP may show secrets.</param>
public sealed record StubRequest(
    StubEndpoint Endpoint, string Method, IReadOnlyDictionary<string, string> Parameters, string? Authorization)
{
    /// <summary>When it came, on the monotonic clock.</summary>
    public long ArrivedAt { get; } = Stopwatch.GetTimestamp();
}

/// <summary>Every request, in order.</summary>
public sealed class StubLog
{
    private readonly ConcurrentQueue<StubRequest> _requests = new();

    public IReadOnlyList<StubRequest> All => [.. _requests];

    public int Count(StubEndpoint endpoint) => _requests.Count(r => r.Endpoint == endpoint);

    /// <summary>Token requests of one kind: <c>authorization_code</c> or <c>refresh_token</c>.</summary>
    public int Grants(string grantType) =>
        _requests.Count(r => r.Endpoint == StubEndpoint.Token && r.Parameters.GetValueOrDefault("grant_type") == grantType);

    public void Clear() => _requests.Clear();

    internal void Add(StubRequest request) => _requests.Enqueue(request);
}
