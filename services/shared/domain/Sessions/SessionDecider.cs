using EventAuth.Contracts;

namespace EventAuth.Domain.Sessions;

/// <summary>Session rules. Pure: same state and command, same answer. Read from the top, the order is the policy.</summary>
public static class SessionDecider
{
    public static Decision Decide(Session state, SessionCommand command) => (state, command) switch
    {
        (Session.None, SessionCommand.Issue c) => Accept(new SessionIssued(
            c.Subject.Issuer, c.Subject.Sub, c.Sid, c.ClientId, c.Groups, c.Roles, c.Position,
            c.Now, c.Now + c.Lifetime, c.AccessExpiresAt, c.Refreshable)),

        // Ending twice writes nothing; anything else comes too late.
        (Session.Ended, SessionCommand.End) => Decision.Nothing,
        (Session.Ended, _) => new Decision.Refused(Refusal.SessionEnded),

        (Session.Active s, SessionCommand.End { FromVersion: { } version }) when version != s.TokenVersion =>
            new Decision.Refused(Refusal.TokensRenewedMeanwhile),
        (Session.Active, SessionCommand.End c) => Accept(new SessionEnded(c.Now, c.Reason, c.Cause, c.Actor)),

        // One grant per token version: whoever stored first wins, the other's tokens are dropped.
        (Session.Active s, SessionCommand.Refresh c) when c.FromVersion != s.TokenVersion =>
            new Decision.Refused(Refusal.TokensRenewedMeanwhile),
        (Session.Active s, SessionCommand.Refresh c) =>
            Accept(new SessionRefreshed(s.TokenVersion + 1, c.Now, c.AccessExpiresAt, c.Refreshable, c.By)),

        (Session.Active s, SessionCommand.FailRefresh c) when c.FromVersion != s.TokenVersion =>
            new Decision.Refused(Refusal.TokensRenewedMeanwhile),
        // One record per outage: a busy session must not fill the store while the IdP is away.
        (Session.Active { RefreshFailing: true }, SessionCommand.FailRefresh) => Decision.Nothing,
        (Session.Active, SessionCommand.FailRefresh c) =>
            Accept(new SessionRefreshFailed(c.FromVersion, c.Now, c.Outcome, c.Error, c.By)),

        (Session.Active s, SessionCommand.UpdateClaims c) => UpdateClaims(s, c),

        // One record per outage: a new one begins after the IdP has stood by the session again.
        (Session.Active { SkippedAt: { } at }, SessionCommand.SkipRevalidation c) when at >= c.VerifiedAt => Decision.Nothing,
        (Session.Active, SessionCommand.SkipRevalidation c) => Accept(new RevalidationSkipped(c.Now, c.Error)),

        _ => new Decision.Refused(Refusal.NotPossible),
    };

    // "No groups claim" is not "no groups": what the IdP did not mention stays as it was.
    private static Decision UpdateClaims(Session.Active state, SessionCommand.UpdateClaims command)
    {
        var groups = command.Groups ?? state.Groups;
        var roles = command.Roles ?? state.Roles;
        return SameMembers(groups, state.Groups) && SameMembers(roles, state.Roles)
            ? Decision.Nothing
            : Accept(new SessionClaimsChanged(command.Now, groups, roles));
    }

    private static bool SameMembers(IReadOnlyList<string> a, IReadOnlyList<string> b) =>
        a.ToHashSet(StringComparer.Ordinal).SetEquals(b);

    private static Decision Accept(SessionEvent @event) => new Decision.Accepted([@event]);
}
