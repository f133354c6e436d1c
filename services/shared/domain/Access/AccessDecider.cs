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
