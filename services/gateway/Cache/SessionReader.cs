using System.Collections.Concurrent;
using EventAuth.Adapters.Postgres;
using EventAuth.Adapters.Sessions;
using EventAuth.Adapters.Settings;
using EventAuth.Adapters.Telemetry;
using EventAuth.Contracts;
using EventAuth.Domain.Access;
using EventAuth.Domain.Sessions;

namespace EventAuth.Gateway.Cache;

/// <summary>What is known of a session id.</summary>
internal enum SessionKnowledge
{
    /// <summary>The store did not answer. Never the same as "no session".</summary>
    Unavailable = 0,

    /// <summary>There never was such a session.</summary>
    Unknown,

    /// <summary>It is over or revoked.</summary>
    Over,

    /// <summary>It lives, as far as revocations and the absolute limit go.</summary>
    Live,
}

/// <summary>A session and who it is.</summary>
/// <param name="ReadAt">When the reading began, on the monotonic clock: the answer is as old as that. 0: out of memory.</param>
/// <param name="InGrace">Out of memory that is older than the bound, while the store is away.</param>
internal readonly record struct SessionLookup(
    SessionKnowledge Knowledge, CachedSession Session, CachedIdentity? Identity, long ReadAt, bool InGrace = false);

/// <summary>
/// Id → session: memory first, then the database. One read per id at a time; everyone who waits for it shares it. After a
/// fill, changes that came during the read are looked for again.
/// </summary>
internal sealed class SessionReader(
    SessionIndex index,
    SessionCache cache,
    UnknownIds unknown,
    RevocationView view,
    StoreGrace grace,
    EventAuthSettings settings,
    Failpoints failpoints,
    TimeProvider clock,
    ILogger<SessionReader> log)
{
    private const int MaxReads = 3;
    private readonly ConcurrentDictionary<SessionId, Lazy<Task<SessionLookup>>> _reads = new();

    /// <summary>From memory, without waiting. False: memory cannot answer, use <see cref="ReadAsync"/>.</summary>
    public bool TryRecall(SessionId id, long now, out SessionLookup lookup)
    {
        lookup = default;
        if (!view.LeaseHolds)
        {
            return false;
        }

        if (!cache.TryGet(id, out var session, out var identity))
        {
            if (!unknown.Contains(id))
            {
                return false;
            }

            lookup = new SessionLookup(SessionKnowledge.Unknown, default, null, 0);
            return true;
        }

        // What has ended stays ended, also when the revocation that did it is one day forgotten.
        if (!session.Over && view.Ends(session))
        {
            cache.MarkOver(id);
            session.Over = true;
        }

        var over = session.Over || now >= session.ExpiresAt;
        if (!over && (session.Stale || IsIdle(session, now)))
        {
            return false;
        }

        lookup = new SessionLookup(over ? SessionKnowledge.Over : SessionKnowledge.Live, session, identity, 0);
        return true;
    }

    /// <summary>From memory although the lease has lapsed: only who lives for all we know, and only within the grace.</summary>
    public bool TryRecallInGrace(SessionId id, long now, out SessionLookup lookup)
    {
        lookup = default;
        if (!grace.Holds || !cache.TryGet(id, out var session, out var identity) || session.Over || session.Stale
            || view.Ends(session) || now >= session.ExpiresAt || IsIdle(session, now)
            || (now >= session.AccessExpiresAt && !session.Refreshable) || !grace.LastWordCounts(session, now))
        {
            return false;
        }

        lookup = new SessionLookup(SessionKnowledge.Live, session, identity, 0, InGrace: true);
        return true;
    }

    /// <summary>From the database, as it is now.</summary>
    public async Task<SessionLookup> ReadAsync(SessionId id)
    {
        var read = _reads.GetOrAdd(id, key => new Lazy<Task<SessionLookup>>(() => LoadAsync(key)));
        try
        {
            return await read.Value;
        }
        finally
        {
            _reads.TryRemove(new KeyValuePair<SessionId, Lazy<Task<SessionLookup>>>(id, read));
        }
    }

    // No caller's token: a client that goes away must not fail the others who wait for the same read. Its limit is the
    // database's command time-out.
    private async Task<SessionLookup> LoadAsync(SessionId id)
    {
        await Task.Yield();
        try
        {
            SessionLookup? lookup = null;
            for (var i = 0; i < MaxReads && lookup is null; i++)
            {
                lookup = await LoadOnceAsync(id);
            }

            // It changes faster than it is read. Whoever asks later reads again, too.
            return lookup ?? default;
        }
        catch (StoreUnavailableException e)
        {
            log.SessionUnread(e.InnerException?.Message ?? e.Message);
            return default;
        }
    }

    // Null: it, or the whole store, was changed while it was read, and who came to wait for this reading meanwhile must not get what was before.
    private async Task<SessionLookup?> LoadOnceAsync(SessionId id)
    {
        var startedAt = clock.GetTimestamp();
        var (changedBefore, generation) = (view.ChangedAt(id), view.Generation);
        var row = await index.FindAsync(id, CancellationToken.None);

        // The database's answer may have come on the thread that polls the sockets: what follows can take long.
        await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
        if (row is null)
        {
            unknown.Add(id);
            return new SessionLookup(SessionKnowledge.Unknown, default, null, startedAt);
        }

        await failpoints.ReachedAsync(Failpoints.FillBeforeKeep);
        var lookup = Keep(row, startedAt);
        if (view.ChangedAt(id) == changedBefore && view.Generation == generation)
        {
            return lookup;
        }

        cache.MarkStale(id);
        return null;
    }

    private SessionLookup Keep(SessionRow row, long startedAt)
    {
        var (session, identity) = FromRow(row);
        cache.Put(session, identity);

        // The row's own look at the feed, and ours: whichever is newer.
        var now = clock.GetUtcNow().ToUnixTimeSeconds();
        var over = session.Over || view.Ends(session) || now >= session.ExpiresAt || IsIdle(session, now);
        return new SessionLookup(over ? SessionKnowledge.Over : SessionKnowledge.Live, session, identity, startedAt);
    }

    private bool IsIdle(in CachedSession session, long now) => SessionClock.IsIdle(
        DateTimeOffset.FromUnixTimeSeconds(now), DateTimeOffset.FromUnixTimeSeconds(Math.Max(session.SeenAt, session.SeenInStore)),
        settings.Session.Idle);

    private static (CachedSession, CachedIdentity) FromRow(SessionRow row)
    {
        var session = new CachedSession
        {
            Id = row.Id.Value,
            SubjectKey = row.Subject.Key.Value,
            ProviderSessionKey = row.Sid is null ? Guid.Empty : ProviderSessionKey.Of(row.Subject.Issuer, row.Sid).Value,
            Version = row.Version,
            Position = row.Position,
            ExpiresAt = row.ExpiresAt.ToUnixTimeSeconds(),
            SeenInStore = (row.SeenAt ?? row.IssuedAt).ToUnixTimeSeconds(),
            TokensAt = row.TokensAt.ToUnixTimeSeconds(),
            AccessExpiresAt = row.AccessExpiresAt.ToUnixTimeSeconds(),
            VerifiedAt = row.VerifiedAt.ToUnixTimeSeconds(),
            TokenVersion = row.TokenVersion,
            Refreshable = row.Refreshable,
            Over = row.IsOver,
        };
        return (session, new CachedIdentity(row.Id.Value, new Identity
        {
            SubjectKey = row.Subject.Key,
            Issuer = row.Subject.Issuer,
            Sub = row.Subject.Sub,
            Email = row.Email,
            Name = row.Name,
            Groups = row.Groups,
            Roles = row.Roles,
        }));
    }
}
