using EventAuth.Contracts;

namespace EventAuth.Domain.Subjects;

/// <summary>
/// Order, not time: a revocation hits the sessions that began before its position, and none that began after. Only access
/// tokens, which no position is known of, are told apart by time.
/// </summary>
public static class RevocationRule
{
    /// <summary>
    /// How far an issuer's clock may be ahead of the store's. Access tokens know no position, only a time: one issued up to so
    /// much after a revocation's commit is taken for one issued before.
    /// </summary>
    public static readonly TimeSpan IssuerClockAllowance = TimeSpan.FromSeconds(5);

    /// <summary>Whether a revocation at <paramref name="revokedAt"/> (0: none) ends a session that began at <paramref name="startedAt"/>.</summary>
    public static bool Ends(long revokedAt, long startedAt) => revokedAt > startedAt;

    /// <summary>Whether a feed row speaks of a revocation. Unknown kinds do: a newer version may have written them.</summary>
    public static bool Revokes(RevocationKind kind) => kind != RevocationKind.Changed;

    /// <summary>Whether a revocation committed at a moment ends an access token; one whose <c>iat</c> nobody tells is ended by each.</summary>
    public static bool Ends(DateTimeOffset committedAt, DateTimeOffset? issuedAt) =>
        issuedAt is not { } at || at <= committedAt + IssuerClockAllowance;
}
