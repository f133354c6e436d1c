using EventAuth.Domain.Login;

namespace EventAuth.Domain.Bearer;

/// <summary>What the operator expects of the access tokens of one issuer.</summary>
/// <param name="Audiences">Names of ours; a token must be for one of them (RFC 9068, 4).</param>
/// <param name="Types">Media types of the header, lower case without <c>application/</c>; <c>jwt</c> stands for a missing one too.</param>
/// <param name="Clients">Whom the token may have been issued to; empty: anybody.</param>
/// <param name="MaxAge">Longest time since <c>iat</c>, whatever <c>exp</c> says: what a revocation can hit must not outlive its memory.</param>
/// <param name="Skew">How far the issuer's clock may be from ours.</param>
public sealed record AccessTokenExpectations(
    string Issuer, IReadOnlyList<string> Audiences, IReadOnlyList<string> Types, IReadOnlyList<string> Clients,
    IReadOnlyList<ClaimCondition> Conditions, TimeSpan MaxAge, TimeSpan Skew)
{
    public string GroupsClaim { get; init; } = "groups";

    public string RolesClaim { get; init; } = "roles";

    /// <summary>The operator vouches for addresses of which the issuer does not say whether they are verified.</summary>
    public bool TrustEmail { get; init; }
}

/// <summary>What an access token says that decisions need.</summary>
/// <param name="Until">Last moment of its use, the skew included.</param>
/// <param name="IssuedAt">Null for an introspected token whose issuer does not tell: every revocation of its person then hits it.</param>
public sealed record AccessTokenClaims(
    string Sub, string? Sid, string? Jti, DateTimeOffset? IssuedAt, DateTimeOffset Until, IReadOnlyList<string> Scopes, MappedClaims Person)
{
    /// <summary>Shows nothing of the person.</summary>
    public override string ToString() => $"access token, {Scopes.Count} scopes";
}

/// <summary>Whether an access token is good here.</summary>
public abstract record AccessTokenVerdict
{
    private AccessTokenVerdict() { }

    /// <summary>It is.</summary>
    public sealed record Accepted(AccessTokenClaims Claims) : AccessTokenVerdict;

    /// <summary>It is not; the description holds no part of the token.</summary>
    public sealed record Refused(string Rule, string Description) : AccessTokenVerdict;
}
