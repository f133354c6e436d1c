using System.Collections.Concurrent;
using System.Diagnostics.CodeAnalysis;

namespace EventAuth.Gateway.Bearer;

/// <summary>
/// Tokens that were checked, by hash. Two generations: when the young one is full it becomes the old one, and what is used
/// moves back; so it is bounded, what is in use stays, and readers take no lock. An entry is no permission: whoever reads it
/// still asks about revocations, lease and time.
/// </summary>
/// <param name="capacity">Entries of both generations together.</param>
internal sealed class TokenCache(int capacity)
{
    private readonly int _half = Math.Max(1, capacity / 2);
    private readonly Lock _lock = new();
    private ConcurrentDictionary<TokenHash, TokenLookup> _young = new();
    private ConcurrentDictionary<TokenHash, TokenLookup> _old = new();
    private int _youngCount;
    private int _oldCount;

    public int Count => Volatile.Read(ref _youngCount) + Volatile.Read(ref _oldCount);

    public bool TryGet(TokenHash hash, [NotNullWhen(true)] out TokenLookup? found)
    {
        if (Volatile.Read(ref _young).TryGetValue(hash, out found))
        {
            return true;
        }

        if (!Volatile.Read(ref _old).TryGetValue(hash, out found))
        {
            return false;
        }

        Put(hash, found);
        return true;
    }

    public void Put(TokenHash hash, TokenLookup lookup)
    {
        lock (_lock)
        {
            if (_youngCount >= _half)
            {
                (_old, _oldCount) = (_young, _youngCount);
                (_young, _youngCount) = (new ConcurrentDictionary<TokenHash, TokenLookup>(), 0);
            }

            if (_young.TryAdd(hash, lookup))
            {
                _youngCount++;
            }
            else
            {
                _young[hash] = lookup;
            }
        }
    }
}
