namespace EventAuth.Contracts;

/// <summary>One row of the revocation feed.</summary>
/// <param name="Position">Commit order is position order.</param>
/// <param name="Key">Subject key, IdP-session key, session id or token key, by <paramref name="Kind"/>; zero for everybody.</param>
public readonly record struct Revocation(long Position, RevocationKind Kind, Guid Key, DateTimeOffset CommittedAt);

/// <summary>What a feed row speaks of. Stored as a number; a number not listed here revokes its key.</summary>
public enum RevocationKind
{
    /// <summary>Every session of everybody that began before.</summary>
    Everybody = 0,

    /// <summary>Every session of one subject that began before.</summary>
    Subject = 1,

    /// <summary>Every session that came from one session of the IdP and began before.</summary>
    ProviderSession = 2,

    /// <summary>One session.</summary>
    Session = 3,

    /// <summary>Nothing is revoked: what is known of one session is out of date (claims, tokens).</summary>
    Changed = 4,

    /// <summary>One access token, by issuer and <c>jti</c>.</summary>
    Token = 5,
}
