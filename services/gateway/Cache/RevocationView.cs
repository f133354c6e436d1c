using System.Collections.Concurrent;
using EventAuth.Contracts;
using EventAuth.Domain.Subjects;

namespace EventAuth.Gateway.Cache;

/// <summary>
/// What this replica knows of revocations, and how fresh that is.
///   1. The lease is the moment at which the last completed read of the feed <em>began</em>, on the monotonic clock. An
///      answer may rest on memory only while now - lease &lt;= bound; a process that was stopped wakes with a lapsed lease.
///   2. A revocation is recorded here before anything else learns of it, and every decision asks here, so no order of
///      "fill the cache" and "revoke" can lose one.
///   3. Positions only grow: a message that comes late or twice changes nothing, and a login after it lives.
///   4. Entries stay until everything that they could hit has died of age.
/// </summary>
internal sealed class RevocationView(TimeProvider clock, TimeSpan bound)
{
    private readonly ConcurrentDictionary<Guid, Mark> _revoked = new();
    private readonly ConcurrentDictionary<Guid, Mark> _changed = new();
    private int _generation;
    private long _everybody;
    private long _everybodyCommittedAt;
    private long _lease = long.MinValue;
    private long _applied;

    private readonly record struct Mark(long Position, DateTimeOffset CommittedAt);

    /// <summary>Highest position up to which everything was applied.</summary>
    public long Applied => Volatile.Read(ref _applied);

    public int Count => _revoked.Count;

    /// <summary>Grows when everything is forgotten because the store is another one.</summary>
    public int Generation => Volatile.Read(ref _generation);

    /// <summary>Whether the whole feed was read once, since the start and since the store was last found to be another one.</summary>
    public bool IsLoaded => Volatile.Read(ref _lease) != long.MinValue;

    /// <summary>Invariant 1. Ask it last, just before answering.</summary>
    public bool LeaseHolds
    {
        get
        {
            var lease = Volatile.Read(ref _lease);
            return lease != long.MinValue && clock.GetElapsedTime(lease) <= bound;
        }
    }

    /// <summary>Age of the knowledge; null before the first read.</summary>
    public TimeSpan? Age
    {
        get
        {
            var lease = Volatile.Read(ref _lease);
            return lease == long.MinValue ? null : clock.GetElapsedTime(lease);
        }
    }

    public bool Ends(in CachedSession session)
    {
        if (RevocationRule.Ends(Volatile.Read(ref _everybody), session.Position))
        {
            return true;
        }

        return !_revoked.IsEmpty
            && (Hits(session.SubjectKey, session.Position) || Hits(session.Id, session.Position)
                || Hits(session.ProviderSessionKey, session.Position));
    }

    /// <summary>
    /// Whether an access token is revoked: itself, for ever; its person, its session at the IdP or everybody, after it was
    /// issued (an issuer's clock is allowed a few seconds). Asked for every request, also about tokens that were checked before.
    /// </summary>
    public bool Ends(in TokenKeys token)
    {
        var everybody = Volatile.Read(ref _everybodyCommittedAt);
        if (everybody != 0 && RevocationRule.Ends(new DateTimeOffset(everybody, TimeSpan.Zero), token.IssuedAt))
        {
            return true;
        }

        return !_revoked.IsEmpty
            && (_revoked.ContainsKey(token.Token) || Hits(token.Subject, token.IssuedAt) || Hits(token.ProviderSession, token.IssuedAt));
    }

    /// <summary>Records one row of the feed or one hint of the bus.</summary>
    public void Apply(in Revocation revocation)
    {
        var mark = new Mark(revocation.Position, revocation.CommittedAt);
        if (!RevocationRule.Revokes(revocation.Kind))
        {
            Raise(_changed, revocation.Key, mark);
        }
        else if (revocation.Kind == RevocationKind.Everybody)
        {
            Raise(ref _everybody, revocation.Position);
            Raise(ref _everybodyCommittedAt, revocation.CommittedAt.UtcTicks);
        }
        else
        {
            Raise(_revoked, revocation.Key, mark);
        }
    }

    /// <summary>A read of the feed that began at <paramref name="startedAt"/> has been applied up to its end.</summary>
    public void Completed(long startedAt, long position)
    {
        Volatile.Write(ref _applied, position);
        Volatile.Write(ref _lease, startedAt);
    }

    /// <summary>Everything up to a position was applied, but there is more to read.</summary>
    public void Advance(long position) => Volatile.Write(ref _applied, position);

    /// <summary>Position of the last change of a session that is no revocation; compared before and after a cache fill.</summary>
    public long ChangedAt(SessionId id) => _changed.GetValueOrDefault(id.Value).Position;

    /// <summary>Forgets everything: the store is another one. No answer from memory until the next completed read.</summary>
    public void Reset()
    {
        Interlocked.Increment(ref _generation);
        Volatile.Write(ref _lease, long.MinValue);
        Volatile.Write(ref _applied, 0);
        Volatile.Write(ref _everybody, 0);
        Volatile.Write(ref _everybodyCommittedAt, 0);
        _revoked.Clear();
        _changed.Clear();
    }

    /// <summary>Invariant 4: drops what was committed before everything now alive began.</summary>
    public void Prune(DateTimeOffset before)
    {
        Prune(_revoked, before);
        Prune(_changed, before);
    }

    private bool Hits(Guid key, long startedAt) =>
        _revoked.TryGetValue(key, out var mark) && RevocationRule.Ends(mark.Position, startedAt);

    private bool Hits(Guid key, DateTimeOffset? issuedAt) =>
        key != Guid.Empty && _revoked.TryGetValue(key, out var mark) && RevocationRule.Ends(mark.CommittedAt, issuedAt);

    private static void Raise(ConcurrentDictionary<Guid, Mark> marks, Guid key, Mark mark) =>
        marks.AddOrUpdate(key, mark, (_, known) => known.Position >= mark.Position ? known : mark);

    private static void Prune(ConcurrentDictionary<Guid, Mark> marks, DateTimeOffset before)
    {
        foreach (var (key, mark) in marks)
        {
            if (mark.CommittedAt < before)
            {
                marks.TryRemove(new KeyValuePair<Guid, Mark>(key, mark));
            }
        }
    }

    private static void Raise(ref long mark, long value)
    {
        long known;
        do
        {
            known = Volatile.Read(ref mark);
        }
        while (known < value && Interlocked.CompareExchange(ref mark, value, known) != known);
    }
}
