using System.Buffers.Binary;
using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using EventAuth.Adapters.Settings;

namespace EventAuth.Gateway.Bearer;

/// <summary>
/// Counts tokens that were not good, per client address (an IPv6 client has a whole /64). After too many within the window,
/// further tokens of that address that are not known to be good are not looked at for a while: guessing and flooding cost us
/// nothing, and neighbours behind one address who have a checked token notice nothing. Bounded; in this replica's memory only.
/// </summary>
internal sealed class ClientFailures(EventAuthSettings settings, TimeProvider clock, ILogger<ClientFailures> log)
{
    private const int MaxClients = 10_000;
    private readonly BearerSettings _settings = settings.Bearer;
    private readonly ConcurrentDictionary<UInt128, Count> _counts = new();
    private long _sweptAt = clock.GetTimestamp();

    private sealed class Count(long since)
    {
        public long Since { get; set; } = since;

        public int Failures { get; set; }

        public long? PenaltySince { get; set; }
    }

    /// <summary>How long its tokens go unchecked from now; null: they are checked.</summary>
    public TimeSpan? PenaltyOf(IPAddress? client)
    {
        if (client is null || !_counts.TryGetValue(KeyOf(client), out var count))
        {
            return null;
        }

        lock (count)
        {
            var left = count.PenaltySince is { } since ? _settings.FailurePenalty - clock.GetElapsedTime(since) : TimeSpan.Zero;
            return left > TimeSpan.Zero ? left : null;
        }
    }

    /// <summary>A token of this client was not good.</summary>
    public void Add(IPAddress? client)
    {
        if (client is null || _settings.FailureThreshold == 0)
        {
            return;
        }

        Sweep();
        var key = KeyOf(client);
        if (!_counts.ContainsKey(key) && _counts.Count >= MaxClients)
        {
            return;
        }

        var count = _counts.GetOrAdd(key, static (_, now) => new Count(now), clock.GetTimestamp());
        lock (count)
        {
            if (clock.GetElapsedTime(count.Since) > _settings.FailureWindow)
            {
                (count.Since, count.Failures) = (clock.GetTimestamp(), 0);
            }

            if (++count.Failures < _settings.FailureThreshold)
            {
                return;
            }

            (count.Since, count.Failures, count.PenaltySince) = (clock.GetTimestamp(), 0, clock.GetTimestamp());
        }

        log.Penalty(_settings.FailurePenalty);
    }

    private void Sweep()
    {
        var before = Volatile.Read(ref _sweptAt);
        if (clock.GetElapsedTime(before) < _settings.FailureWindow
            || Interlocked.CompareExchange(ref _sweptAt, clock.GetTimestamp(), before) != before)
        {
            return;
        }

        foreach (var (key, count) in _counts)
        {
            lock (count)
            {
                if (clock.GetElapsedTime(count.Since) > _settings.FailureWindow + _settings.FailurePenalty)
                {
                    _counts.TryRemove(key, out _);
                }
            }
        }
    }

    private static UInt128 KeyOf(IPAddress client)
    {
        Span<byte> bytes = stackalloc byte[16];
        var address = client.AddressFamily == AddressFamily.InterNetwork ? client.MapToIPv6() : client;
        address.TryWriteBytes(bytes, out _);
        if (!address.IsIPv4MappedToIPv6)
        {
            bytes[8..].Clear();
        }

        return BinaryPrimitives.ReadUInt128BigEndian(bytes);
    }
}
