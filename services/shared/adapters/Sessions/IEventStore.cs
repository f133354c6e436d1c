using EventAuth.Contracts;
using EventAuth.Domain.Sessions;

namespace EventAuth.Adapters.Sessions;

/// <summary>A session's events and the version they bring its stream to.</summary>
public sealed record StreamSlice(long Version, IReadOnlyList<SessionEvent> Events)
{
    public Session Replay() => Session.Replay(Events);
}

/// <summary>Decided events of one session, with what must become true together with them.</summary>
/// <param name="State">The session after the events.</param>
public sealed record SessionWrite(
    SessionId Id,
    long ExpectedVersion,
    IReadOnlyList<SessionEvent> Events,
    Session State,
    WriteContext Context);

/// <summary>What else belongs into the transaction, and why it happens.</summary>
public sealed record WriteContext
{
    /// <summary>Joins everything that one request or message led to.</summary>
    public string? CorrelationId { get; init; }

    /// <summary>The event or token that led to this.</summary>
    public string? CausationId { get; init; }

    /// <summary>New tokens, already encrypted.</summary>
    public SealedTokens? Tokens { get; init; }

    /// <summary>Personal data for the erasable table.</summary>
    public PersonalData? Person { get; init; }

    /// <summary>The browser's own words about itself, erasable.</summary>
    public string? UserAgent { get; init; }

    /// <summary>When the IdP is to be asked next; null leaves it.</summary>
    public DateTimeOffset? NextCheckAt { get; init; }

    /// <summary>Whether an end goes into the revocation feed; false when the feed says it already, or time alone does.</summary>
    public bool Announce { get; init; } = true;

    public static WriteContext Because(string? causationId, string? correlationId = null) =>
        new() { CausationId = causationId, CorrelationId = correlationId ?? causationId };
}

/// <summary>Tokens as they lie in the database.</summary>
public sealed record SealedTokens(string KeyId, byte[] Sealed, DateTimeOffset RefreshIssuedAt);

/// <summary>What is known of a person beside the subject; lives in the erasable table only.</summary>
public sealed record PersonalData(string? Email, string? Name);

/// <summary>A decision to revoke, before it has a position.</summary>
/// <param name="Event"><see cref="SubjectRevoked"/>, <see cref="TokenRevoked"/> or <see cref="AllRevoked"/>; the store fills in position and moment.</param>
/// <param name="Token">The logout token's memory, when one caused it.</param>
public sealed record RevocationWrite(
    RevocationKind Kind, Guid Key, string Stream, SubjectEvent Event, string? CorrelationId, SeenToken? Token)
{
    /// <summary>What led to it: a logout token's jti, an OAuth error code, the operator's reason.</summary>
    public string? CausationId { get; init; }

    /// <summary>Type of the stream, as Marten stores it.</summary>
    public string StreamType => Kind switch
    {
        RevocationKind.Everybody => "everybody",
        RevocationKind.Token => "token",
        _ => "subject",
    };
}

/// <summary>What is remembered of a logout token: never the token.</summary>
public sealed record SeenToken(Guid Key, byte[] Hash, DateTimeOffset Until);

/// <summary>Where a revocation stands in the feed; not fresh when the same logout token had been seen before.</summary>
public sealed record RevocationReceipt(long Position, Guid EventId, bool Fresh);

/// <summary>Someone appended first; load again and decide again.</summary>
public sealed class StreamConflictException(string stream, Exception? inner = null)
    : Exception($"stream {stream} moved on", inner);

/// <summary>The person was signed out while signing in: there must be no session.</summary>
public sealed class LoginOvertakenException() : Exception("revoked while signing in");

/// <summary>Another logout token with this jti was seen before.</summary>
public sealed class TokenIdReusedException() : Exception("another token with this jti was seen");

/// <summary>The database did not answer in time or at all. Never the same as "no session".</summary>
public sealed class StoreUnavailableException(Exception inner) : Exception("the event store does not answer", inner);

/// <summary>The record: sessions' streams and revocations. Every method may throw <see cref="StoreUnavailableException"/>.</summary>
public interface IEventStore
{
    /// <summary>All events of a session; version 0 when there are none.</summary>
    Task<StreamSlice> LoadAsync(SessionId id, CancellationToken ct);

    /// <summary>Stores events, the current state, tokens and the feed row in one transaction and one round trip.</summary>
    /// <exception cref="StreamConflictException">The stream is no longer at the expected version.</exception>
    /// <exception cref="LoginOvertakenException">An issue came after a revocation of the same login.</exception>
    Task AppendAsync(SessionWrite write, CancellationToken ct);

    /// <summary>Stores a revocation with its event and gives it a position. Committed when it returns.</summary>
    /// <exception cref="TokenIdReusedException">The logout token's jti was seen with another content.</exception>
    Task<RevocationReceipt> RevokeAsync(RevocationWrite write, CancellationToken ct);

    /// <summary>Stores an event that belongs to no session (a refused login, a policy).</summary>
    Task RecordAsync(string stream, string streamType, SubjectEvent @event, string? correlationId, CancellationToken ct);
}
