using System.Runtime.InteropServices;

namespace EventAuth.Gateway.Cache;

/// <summary>One generation of the cache: slots and the bytes of the identities. Written under the cache's lock.</summary>
internal sealed class SessionTable(int slots, int identityBytes)
{
    private const int HotIdentities = 4096;

    private readonly Slot[] _slots = new Slot[slots];
    private readonly CachedIdentity?[] _hot = new CachedIdentity?[HotIdentities];
    private readonly byte[] _identities = new byte[identityBytes];
    private int _identitiesEnd;

    public int Length => _slots.Length;

    public int Count { get; private set; }

    public bool TryGet(Guid id, out CachedSession session)
    {
        for (var i = Home(id); ; i = Next(i))
        {
            var wait = default(SpinWait);
            bool empty;
            while (!TryCopy(i, out session, out empty))
            {
                // Somebody is writing here, for nanoseconds; a torn copy is never used.
                wait.SpinOnce();
            }

            if (empty || session.Id == id)
            {
                return !empty;
            }
        }
    }

    /// <summary>The identity as an object: the same one for as long as the session is in use.</summary>
    public CachedIdentity IdentityOf(in CachedSession session)
    {
        ref var hot = ref _hot[session.Id.GetHashCode() & (HotIdentities - 1)];
        var known = Volatile.Read(ref hot);
        if (known is not null && known.Session == session.Id && known.Place == session.IdentityAt)
        {
            return known;
        }

        var identity = CachedIdentity.FromBytes(session, _identities);
        Volatile.Write(ref hot, identity);
        return identity;
    }

    /// <summary>Writes an entry unless a newer one is there. False: there was no room for its identity.</summary>
    public bool Put(CachedSession session, ReadOnlySpan<byte> identity)
    {
        ref var slot = ref _slots[Find(session.Id, out var isNew)];
        if (!isNew && slot.Session.Version > session.Version)
        {
            return true;
        }

        if (!TryPlace(isNew ? default : slot.Session, identity, out session.IdentityAt))
        {
            return false;
        }

        session.IdentityLength = identity.Length;

        // What only memory knows stays.
        session.SeenAt = Math.Max(session.SeenAt, isNew ? 0 : slot.Session.SeenAt);
        session.RefreshTriedAt = Math.Max(session.RefreshTriedAt, isNew ? 0 : slot.Session.RefreshTriedAt);
        Count += isNew ? 1 : 0;
        Write(ref slot, session);
        return true;
    }

    // Bytes first, then the entry that points at them. Who is read again unchanged stays where they are.
    private bool TryPlace(in CachedSession known, ReadOnlySpan<byte> identity, out int place)
    {
        place = known.IdentityAt;
        if (known.IdentityLength > 0 && IdentityBytes(known).SequenceEqual(identity))
        {
            return true;
        }

        if (identity.Length > _identities.Length - _identitiesEnd)
        {
            return false;
        }

        place = _identitiesEnd;
        identity.CopyTo(_identities.AsSpan(place));
        _identitiesEnd += identity.Length;
        return true;
    }

    /// <summary>Notes use; the last use before, or now when there is no such entry.</summary>
    public long Touch(Guid id, long now)
    {
        ref var slot = ref _slots[Find(id, out var isNew)];
        if (isNew)
        {
            return now;
        }

        var before = Math.Max(slot.Session.SeenAt, slot.Session.SeenInStore);
        Write(ref slot, slot.Session with { SeenAt = now });
        return before;
    }

    public void Change(Guid id, Func<CachedSession, CachedSession> change)
    {
        ref var slot = ref _slots[Find(id, out var isNew)];
        if (!isNew)
        {
            Write(ref slot, change(slot.Session));
        }
    }

    /// <summary>A copy of every entry.</summary>
    public List<CachedSession> ToList()
    {
        var all = new List<CachedSession>(Count);
        for (var i = 0; i < _slots.Length; i++)
        {
            if (TryCopy(i, out var session, out var empty) && !empty)
            {
                all.Add(session);
            }
        }

        return all;
    }

    public ReadOnlySpan<byte> IdentityBytes(in CachedSession session) =>
        _identities.AsSpan(session.IdentityAt, session.IdentityLength);

    private bool TryCopy(int i, out CachedSession session, out bool empty)
    {
        ref var slot = ref _slots[i];
        var stamp = Volatile.Read(ref slot.Stamp);
        session = slot.Session;
        Interlocked.MemoryBarrier();
        empty = stamp == 0;
        return (stamp & 1) == 0 && Volatile.Read(ref slot.Stamp) == stamp;
    }

    private static void Write(ref Slot slot, in CachedSession session)
    {
        Volatile.Write(ref slot.Stamp, slot.Stamp + 1);
        Interlocked.MemoryBarrier();
        slot.Session = session;
        Volatile.Write(ref slot.Stamp, slot.Stamp + 1);
    }

    private int Find(Guid id, out bool isNew)
    {
        var i = Home(id);
        while (_slots[i].Stamp != 0 && _slots[i].Session.Id != id)
        {
            i = Next(i);
        }

        isNew = _slots[i].Stamp == 0;
        return i;
    }

    // Ids are hashes already: their own bits spread evenly.
    private int Home(Guid id) => MemoryMarshal.Read<int>(MemoryMarshal.AsBytes(new ReadOnlySpan<Guid>(in id))) & (_slots.Length - 1);

    private int Next(int i) => (i + 1) & (_slots.Length - 1);

    private struct Slot
    {
        /// <summary>0: never used. Odd: a writer is in it.</summary>
        public uint Stamp;

        public CachedSession Session;
    }
}
