namespace EventAuth.Domain.Access;

/// <summary>The gateway's answers as one table: pure, total, and without an allocation.</summary>
public static class AccessDecider
{
    /// <summary>
    /// Decides one request. What the rules say about the place comes first, so a place closed to everybody stays closed
    /// and an open one stays open while we can't tell who is asking.
    /// </summary>
    public static AccessDecision Decide(
        in ForwardedRequest request, RequestKind kind, SessionStanding standing, AccessPolicy policy)
    {
        ArgumentNullException.ThrowIfNull(policy);
        if (request.Host is null)
        {
            // The default of the struct: somebody did not look at what TryParse said.
            return AccessDecision.Deny.Because(DenyReason.MalformedRequest);
        }

        return policy.TryFind(request, out var rule)
            ? Decide(rule, kind, standing)
            : AccessDecision.Deny.Because(DenyReason.AmbiguousPath);
    }

    /// <summary>
    /// Decides a request with an access token, and perhaps a session. Both must hold, and of the same person: a token that is
    /// not good is never made up for by a cookie, nor a session that somebody ended by a token of that person.
    /// </summary>
    public static AccessDecision Decide(
        in ForwardedRequest request, SessionStanding session, in TokenStanding token, AccessPolicy policy)
    {
        ArgumentNullException.ThrowIfNull(policy);
        if (request.Host is null)
        {
            return AccessDecision.Deny.Because(DenyReason.MalformedRequest);
        }

        return policy.TryFind(request, out var rule)
            ? Decide(rule, session, token)
            : AccessDecision.Deny.Because(DenyReason.AmbiguousPath);
    }

    private static AccessDecision Decide(PreparedRule? rule, SessionStanding session, in TokenStanding token)
    {
        var who = Who(session, token);
        return (rule?.Access, who) switch
        {
            (null, _) => AccessDecision.Deny.Because(DenyReason.NoRule),
            (AccessLevel.Public, AccessDecision.Allow) => who,
            (AccessLevel.Public, _) => AccessDecision.AllowPublic.Instance,
            (AccessLevel.Authenticated or AccessLevel.Restricted, not AccessDecision.Allow) => who,
            (AccessLevel.Restricted, _) when !rule!.Includes(token.Identity!) => AccessDecision.Deny.Because(DenyReason.NotAllowed),
            (AccessLevel.Authenticated or AccessLevel.Restricted, _) =>
                rule!.IsWithin(token.Scopes) ? AccessDecision.Allow.Instance : AccessDecision.InsufficientScope.Instance,
            _ => AccessDecision.Deny.Because(DenyReason.ClosedByRule),
        };
    }

    // Whether the credentials say who it is: allow means the token's identity.
    private static AccessDecision Who(SessionStanding session, in TokenStanding token) => (token.Kind, session.Kind) switch
    {
        (TokenStandingKind.Refused, _) => AccessDecision.InvalidToken.Instance,
        (TokenStandingKind.Valid, SessionStandingKind.None) => AccessDecision.Allow.Instance,
        (TokenStandingKind.Valid, SessionStandingKind.Valid) => session.Subject == token.Identity!.SubjectKey
            ? AccessDecision.Allow.Instance
            : AccessDecision.Deny.Because(DenyReason.CredentialMismatch),
        (TokenStandingKind.Valid, SessionStandingKind.Ended) => session.Subject == token.Identity!.SubjectKey
            ? AccessDecision.InvalidToken.Instance
            : AccessDecision.Allow.Instance,
        _ => AccessDecision.Unavailable.Instance,
    };

    private static AccessDecision Decide(PreparedRule? rule, RequestKind kind, SessionStanding standing) =>
        (rule?.Access, standing.Kind) switch
        {
            (null, _) => AccessDecision.Deny.Because(DenyReason.NoRule),
            (AccessLevel.Public, SessionStandingKind.Valid) => AccessDecision.Allow.Instance,
            (AccessLevel.Public, _) => AccessDecision.AllowPublic.Instance,
            (AccessLevel.Authenticated or AccessLevel.Restricted,
                SessionStandingKind.None or SessionStandingKind.Ended) =>
                kind == RequestKind.Navigation
                    ? AccessDecision.SignIn.Instance
                    : AccessDecision.Unauthenticated.Instance,
            (AccessLevel.Authenticated, SessionStandingKind.Valid) => AccessDecision.Allow.Instance,
            (AccessLevel.Restricted, SessionStandingKind.Valid) =>
                rule!.Includes(standing.Identity!)
                    ? AccessDecision.Allow.Instance
                    : AccessDecision.Deny.Because(DenyReason.NotAllowed),
            (AccessLevel.Authenticated or AccessLevel.Restricted, _) => AccessDecision.Unavailable.Instance,
            _ => AccessDecision.Deny.Because(DenyReason.ClosedByRule),
        };
}
