using EventAuth.Contracts;

namespace EventAuth.Gateway.Cache;

/// <summary>What a decision needs of a session, as one value without references. Times are Unix seconds.</summary>
internal struct CachedSession
{
    public Guid Id;
    public Guid SubjectKey;
    public Guid ProviderSessionKey;
    public long Version;
    public long Position;
    public long ExpiresAt;
    public long SeenInStore;
    public long TokensAt;
    public long AccessExpiresAt;
    public long VerifiedAt;
    public long SeenAt;
    public long RefreshTriedAt;
    public int TokenVersion;
    public int IdentityAt;
    public int IdentityLength;
    public bool Refreshable;

    /// <summary>It has ended; kept so that an old cookie does not ask the database every time.</summary>
    public bool Over;

    /// <summary>Something changed in the database: read it anew.</summary>
    public bool Stale;

    public readonly SessionId SessionId => new(Id);
}
