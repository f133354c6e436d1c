using System.Diagnostics;
using EventAuth.Contracts;

namespace EventAuth.Domain.Sessions;

/// <summary>A session as its events tell it. Each state carries only what is true in that state.</summary>
public abstract record Session
{
    private Session() { }

    /// <summary>Nothing happened yet.</summary>
    public sealed record None : Session;

    /// <summary>Somebody is signed in.</summary>
    /// <param name="Position">Feed position at which the login began; revocations after it hit this session.</param>
    /// <param name="TokenVersion">1 at issuance; each refresh adds one.</param>
    /// <param name="TokensAt">When the IdP issued the tokens of this version.</param>
    /// <param name="RefreshFailing">A failed refresh of this token version is on record.</param>
    /// <param name="SkippedAt">When a question to the IdP went unanswered, as is on record; null: none since the last word of the IdP on record.</param>
    public sealed record Active(
        Subject Subject,
        string? Sid,
        string ClientId,
        IReadOnlyList<string> Groups,
        IReadOnlyList<string> Roles,
        long Position,
        DateTimeOffset IssuedAt,
        DateTimeOffset ExpiresAt,
        DateTimeOffset TokensAt,
        DateTimeOffset AccessExpiresAt,
        bool Refreshable,
        int TokenVersion,
        DateTimeOffset? SkippedAt,
        bool RefreshFailing) : Session;

    /// <summary>Over, for good: no command brings it back.</summary>
    public sealed record Ended(Active Last, EndReason Reason, DateTimeOffset At) : Session;

    public static readonly Session Initial = new None();

    /// <summary>The state after one more event. Believes what is stored; an event it does not know stops the reader.</summary>
    public static Session Evolve(Session state, SessionEvent @event) => (state, @event) switch
    {
        (None, SessionIssued e) => new Active(
            new Subject(e.Issuer, e.Sub), e.Sid, e.ClientId, e.Groups, e.Roles, e.Position,
            e.At, e.ExpiresAt, e.At, e.AccessExpiresAt, e.Refreshable, TokenVersion: 1, SkippedAt: null, RefreshFailing: false),

        (Active s, SessionRefreshed e) => s with
        {
            TokensAt = e.At,
            AccessExpiresAt = e.AccessExpiresAt,
            Refreshable = e.Refreshable,
            TokenVersion = e.TokenVersion,
            SkippedAt = null,
            RefreshFailing = false,
        },
        (Active s, SessionClaimsChanged e) => s with { Groups = e.Groups, Roles = e.Roles, SkippedAt = null },
        (Active s, RevalidationSkipped e) => s with { SkippedAt = e.At },
        (Active s, SessionRefreshFailed) => s with { RefreshFailing = true },
        (Active s, SessionEnded e) => new Ended(s, e.Reason, e.At),
        _ => throw new UnreachableException($"no rule to evolve {state.GetType().Name} by {@event.GetType().Name}"),
    };

    public static Session Replay(IEnumerable<SessionEvent> history) => history.Aggregate(Initial, Evolve);
}
