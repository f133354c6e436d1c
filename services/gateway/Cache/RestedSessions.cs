using System.Threading.Channels;
using EventAuth.Contracts;

namespace EventAuth.Gateway.Cache;

/// <summary>
/// Sessions that rested and are used again, on their way to the store. Noting one costs the request a comparison; when too
/// many come at once, the rest are left to the next round of <see cref="ActivityWriter"/>.
/// </summary>
/// <param name="rest">Without a request for so long, a session may be checked less often; zero: none is.</param>
internal sealed class RestedSessions(TimeSpan rest)
{
    private const int Most = 10_000;
    private readonly long _rest = rest > TimeSpan.Zero ? (long)rest.TotalSeconds : long.MaxValue;
    private readonly Channel<(SessionId Id, long At)> _used = Channel.CreateBounded<(SessionId, long)>(
        new BoundedChannelOptions(Most) { FullMode = BoundedChannelFullMode.DropWrite, SingleReader = true });

    /// <summary>Notes a use, in Unix seconds, and when the last one before was.</summary>
    public void Used(SessionId id, long before, long now)
    {
        if (now - before > _rest)
        {
            _used.Writer.TryWrite((id, now));
        }
    }

    /// <summary>Waits for the first one.</summary>
    public ValueTask<bool> AnyAsync(CancellationToken ct) => _used.Reader.WaitToReadAsync(ct);

    /// <summary>Takes what there is, at most so many.</summary>
    public List<(SessionId Id, DateTimeOffset At)> Take(int limit)
    {
        var taken = new Dictionary<SessionId, DateTimeOffset>();
        while (taken.Count < limit && _used.Reader.TryRead(out var used))
        {
            taken[used.Id] = DateTimeOffset.FromUnixTimeSeconds(used.At);
        }

        return [.. taken.Select(t => (t.Key, t.Value))];
    }
}
