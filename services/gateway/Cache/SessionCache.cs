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
/// <param name="rested">Is told of a session that is used again.</param>
internal sealed class SessionCache(int capacity, RestedSessions? rested = null)
{
    private const int SmallestTable = 1 << 10;
    private const int SmallestIdentities = 1 << 18;

    // An array cannot be longer; who exceeds it is evicted like who exceeds the capacity.
    private const int LargestIdentities = 1 << 30;

    private readonly Lock _lock = new();
    private volatile SessionTable _table = new(SmallestTable, SmallestIdentities);

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

    /// <summary>Remembers as ended whatever a rule says has ended, before what the rule knows is forgotten.</summary>
    public void MarkOver(Func<CachedSession, bool> ended)
    {
        foreach (var session in _table.ToList().Where(s => !s.Over && ended(s)))
        {
            MarkOver(session.SessionId);
        }
    }

    /// <summary>Notes use. On the hot path: who would have to wait for the lock leaves it to the next request.</summary>
    public void Seen(SessionId id, long now)
    {
        if (!_lock.TryEnter())
        {
            return;
        }

        try
        {
            var before = _table.Touch(id.Value, now);
            rested?.Used(id, before, now);
        }
        finally
        {
            _lock.Exit();
        }
    }

    /// <summary>Notes that a background refresh was started.</summary>
    public void RefreshTried(SessionId id, long now) => Change(id, s => s with { RefreshTriedAt = now });

    /// <summary>Notes when the IdP last stood by sessions.</summary>
    public void Verified(IReadOnlyList<(SessionId Id, DateTimeOffset At)> sessions)
    {
        foreach (var (id, at) in sessions)
        {
            Change(id, s => s with { VerifiedAt = Math.Max(s.VerifiedAt, at.ToUnixTimeSeconds()) });
        }
    }

    public void Clear()
    {
        lock (_lock)
        {
            _table = new SessionTable(SmallestTable, SmallestIdentities);
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
        if (entries.Count + 1 > capacity || Bytes(entries) > LargestIdentities / 2)
        {
            // An eighth goes at once, so that the next one does not come with the next session.
            entries = entries.OrderBy(s => s.Over).ThenByDescending(s => s.SeenAt).Take(entries.Count - (entries.Count / 8) - 1).ToList();
        }

        var table = new SessionTable(
            (int)BitOperations.RoundUpToPowerOf2((uint)Math.Max(SmallestTable, (entries.Count + 1) * 2)),
            (int)Math.Clamp((Bytes(entries) + identityBytes) * 2, SmallestIdentities, LargestIdentities));
        foreach (var entry in entries)
        {
            table.Put(entry, old.IdentityBytes(entry));
        }

        _table = table;
    }

    private static long Bytes(List<CachedSession> entries) => entries.Sum(s => (long)s.IdentityLength);
}
