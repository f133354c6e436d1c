using System.Diagnostics.CodeAnalysis;
using System.Numerics;
using EventAuth.Contracts;

namespace EventAuth.Gateway.Cache;

/// <summary>
/// Sessions of this replica, in structs and one byte store, so that a million of them are a handful of objects for the
/// garbage collector.
///   1. Readers take no lock: each slot has a stamp that is odd while a writer is in it, and a reader looks again when the
///      stamp moved. One writer at a time, under the lock.
///   2. An entry never goes back: a write with an older stream version than the slot's is dropped.
///   3. Bounded: past the capacity the table is rebuilt without what is over or was seen longest ago.
///   4. An entry is no permission: whoever reads it still checks revocations, lease and time.
/// </summary>
internal sealed class SessionCache(int capacity)
{
    private const int SmallestTable = 1 << 10;

    private readonly Lock _lock = new();
    private volatile SessionTable _table = new(SmallestTable);

    public int Count => _table.Count;

    public bool TryGet(SessionId id, out CachedSession session, [NotNullWhen(true)] out CachedIdentity? identity)
    {
        var table = _table;
        var found = table.TryGet(id.Value, out session);
        identity = found ? table.IdentityOf(session) : null;
        return found;
    }

    /// <summary>Stores what was just read of the database.</summary>
    public void Put(in CachedSession session, CachedIdentity identity)
    {
        var bytes = identity.ToBytes();
        lock (_lock)
        {
            if (_table.Count + 1 > capacity || (_table.Count + 1) * 4 > _table.Length * 3)
            {
                Rebuild_Locked(0);
            }

            if (!_table.Put(session, bytes))
            {
                Rebuild_Locked(bytes.Length);
                _table.Put(session, bytes);
            }
        }
    }

    /// <summary>Remembers that a session has ended.</summary>
    public void MarkOver(SessionId id) => Change(id, static s => s with { Over = true });

    /// <summary>What is known is out of date: the next request reads it anew.</summary>
    public void MarkStale(SessionId id) => Change(id, static s => s with { Stale = true });

    /// <summary>Notes use.</summary>
    public void Seen(SessionId id, long now) => Change(id, s => s with { SeenAt = now });

    /// <summary>Notes that a background refresh was started.</summary>
    public void RefreshTried(SessionId id, long now) => Change(id, s => s with { RefreshTriedAt = now });

    public void Clear()
    {
        lock (_lock)
        {
            _table = new SessionTable(SmallestTable);
        }
    }

    /// <summary>Sessions used after a moment, for the batched activity writes.</summary>
    public List<CachedSession> SeenAfter(long moment) => _table.ToList().FindAll(s => s.SeenAt > moment);

    private void Change(SessionId id, Func<CachedSession, CachedSession> change)
    {
        lock (_lock)
        {
            _table.Change(id.Value, change);
        }
    }

    private void Rebuild_Locked(int identityBytes)
    {
        var old = _table;
        var entries = old.ToList();
        if (entries.Count + 1 > capacity)
        {
            entries = entries.OrderBy(s => s.Over).ThenByDescending(s => s.SeenAt).Take(capacity - (capacity / 8) - 1).ToList();
        }

        var bytes = entries.Sum(s => (long)s.IdentityLength) + identityBytes;
        var wanted = Math.Max(SmallestTable, Math.Max((entries.Count + 1) * 2, (bytes / 16) + 1));
        var table = new SessionTable((int)BitOperations.RoundUpToPowerOf2((ulong)wanted));
        foreach (var entry in entries)
        {
            table.Put(entry, old.IdentityBytes(entry));
        }

        _table = table;
    }
}
