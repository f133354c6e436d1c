using EventAuth.Contracts;

namespace EventAuth.Domain.Subjects;

/// <summary>Order, not time: a revocation hits what began before its position, and nothing that began after.</summary>
public static class RevocationRule
{
    /// <summary>Whether a revocation at <paramref name="revokedAt"/> (0: none) ends a session that began at <paramref name="startedAt"/>.</summary>
    public static bool Ends(long revokedAt, long startedAt) => revokedAt > startedAt;

    /// <summary>Whether a feed row speaks of a revocation. Unknown kinds do: a newer version may have written them.</summary>
    public static bool Revokes(RevocationKind kind) => kind != RevocationKind.Changed;
}
