namespace EventAuth.Domain.Access;

/// <summary>
/// What is known of the session a request came with. A struct, because one is made for every request;
/// its default is "don't know", which lets nobody pass.
/// </summary>
public readonly record struct SessionStanding
{
    private SessionStanding(SessionStandingKind kind, Identity? identity)
    {
        Kind = kind;
        Identity = identity;
    }

    /// <summary>The store can't be asked, and what we remember is too old.</summary>
    public static SessionStanding Unknown => default;

    /// <summary>No credentials, or none that name a session.</summary>
    public static SessionStanding None => new(SessionStandingKind.None, null);

    /// <summary>There was a session.</summary>
    public static SessionStanding Ended => new(SessionStandingKind.Ended, null);

    public SessionStandingKind Kind { get; }

    /// <summary>Who it is; present exactly when the standing is valid.</summary>
    public Identity? Identity { get; }

    /// <summary>A live session of this identity.</summary>
    public static SessionStanding Valid(Identity identity)
    {
        ArgumentNullException.ThrowIfNull(identity);
        return new SessionStanding(SessionStandingKind.Valid, identity);
    }
}

/// <summary>The cases of <see cref="SessionStanding"/>.</summary>
public enum SessionStandingKind
{
    Unknown = 0,
    None,
    Ended,
    Valid,
}
