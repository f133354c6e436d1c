using EventAuth.Contracts;

namespace EventAuth.Domain.Sessions;

/// <summary>What someone wants of a session. Time and ids are inputs, so a decision can be replayed.</summary>
public abstract record SessionCommand
{
    private SessionCommand() { }

    /// <summary>Begin, after the IdP vouched for somebody.</summary>
    /// <param name="Position">Feed position at which the login began.</param>
    public sealed record Issue(
        Subject Subject,
        string? Sid,
        string ClientId,
        IReadOnlyList<string> Groups,
        IReadOnlyList<string> Roles,
        long Position,
        DateTimeOffset Now,
        TimeSpan Lifetime,
        DateTimeOffset AccessExpiresAt,
        bool Refreshable) : SessionCommand;

    /// <summary>Record that the IdP renewed the tokens of version <paramref name="FromVersion"/>.</summary>
    public sealed record Refresh(
        int FromVersion, DateTimeOffset Now, DateTimeOffset AccessExpiresAt, bool Refreshable, string By) : SessionCommand;

    /// <summary>Record that a refresh brought nothing.</summary>
    public sealed record FailRefresh(int FromVersion, DateTimeOffset Now, string Outcome, string Error, string By) : SessionCommand;

    /// <summary>Record what the IdP says now; null: it said nothing about it, which changes nothing.</summary>
    public sealed record UpdateClaims(
        DateTimeOffset Now, IReadOnlyList<string>? Groups, IReadOnlyList<string>? Roles) : SessionCommand;

    /// <summary>Record that the IdP could not be asked.</summary>
    /// <param name="VerifiedAt">When the IdP last stood by the session.</param>
    public sealed record SkipRevalidation(DateTimeOffset Now, DateTimeOffset VerifiedAt, string Error) : SessionCommand;

    /// <summary>End it.</summary>
    public sealed record End(EndReason Reason, DateTimeOffset Now, string? Cause, string? Actor) : SessionCommand
    {
        /// <summary>Only while it has the tokens of this version: the reason was said about them. Null: whatever it has.</summary>
        public int? FromVersion { get; init; }
    }
}

/// <summary>The answer to a command: facts to store, or a refusal. Never an exception.</summary>
public abstract record Decision
{
    private Decision() { }

    /// <summary>Facts to store; none: it is so already, which is no error.</summary>
    public sealed record Accepted(params IReadOnlyList<SessionEvent> Events) : Decision;

    /// <summary>The command does not fit what happened before.</summary>
    public sealed record Refused(Refusal Why) : Decision;

    public static readonly Decision Nothing = new Accepted([]);
}

/// <summary>Why a command was refused.</summary>
public enum Refusal
{
    /// <summary>The command makes no sense in this state.</summary>
    NotPossible = 0,

    /// <summary>The session is over; nothing revives it.</summary>
    SessionEnded,

    /// <summary>Another refresh was stored first.</summary>
    TokensRenewedMeanwhile,
}
