using EventAuth.Contracts;

namespace EventAuth.Domain.Access;

/// <summary>
/// What is known of the session a request came with. A struct, because one is made for every request;
/// its default is "don't know", which lets nobody pass.
/// </summary>
public readonly record struct SessionStanding
{
    private SessionStanding(SessionStandingKind kind, Identity? identity, SubjectKey subject)
    {
        Kind = kind;
        Identity = identity;
        Subject = subject;
    }

    /// <summary>The store can't be asked, and what we remember is too old.</summary>
    public static SessionStanding Unknown => default;

    /// <summary>No credentials, or none that name a session.</summary>
    public static SessionStanding None => new(SessionStandingKind.None, null, default);

    /// <summary>There was a session.</summary>
    public static SessionStanding Ended => new(SessionStandingKind.Ended, null, default);

    public SessionStandingKind Kind { get; }

    /// <summary>Who it is; present exactly when the standing is valid.</summary>
    public Identity? Identity { get; }

    /// <summary>Whose session it is or was; zero when there is none.</summary>
    public SubjectKey Subject { get; }

    /// <summary>There was a session of this person, and somebody ended it.</summary>
    public static SessionStanding EndedOf(SubjectKey subject) => new(SessionStandingKind.Ended, null, subject);

    /// <summary>A live session of this identity.</summary>
    public static SessionStanding Valid(Identity identity)
    {
        ArgumentNullException.ThrowIfNull(identity);
        return new SessionStanding(SessionStandingKind.Valid, identity, identity.SubjectKey);
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
