namespace EventAuth.Domain.Logout;

/// <summary>What a logout token must say to be obeyed.</summary>
/// <param name="RequireType">Refuse a token without <c>typ: logout+jwt</c> (OWASP ASVS 10.5.5).</param>
/// <param name="RequireExpiry">Refuse a token without <c>exp</c> (Back-Channel Logout 1.0, 2.4).</param>
public sealed record LogoutTokenExpectations(string Issuer, string ClientId, bool RequireType, bool RequireExpiry);

/// <summary>Whether a logout token is obeyed.</summary>
public abstract record LogoutTokenVerdict
{
    private LogoutTokenVerdict() { }

    /// <summary>All rules hold; <see cref="Sub"/>, <see cref="Sid"/> or both are there.</summary>
    /// <param name="ExpiresAt">From then on (plus skew) the token is refused anyway: its <c>jti</c> can be forgotten.</param>
    public sealed record Accepted(string Jti, string? Sub, string? Sid, DateTimeOffset IssuedAt, DateTimeOffset ExpiresAt)
        : LogoutTokenVerdict
    {
        /// <summary>Whether the IdP wants refresh tokens taken back at it too (Keycloak's <c>revoke_offline_access</c>).</summary>
        public bool RevokesOfflineAccess { get; init; }
    }

    /// <summary>The first rule that does not hold; the description holds no part of the token.</summary>
    public sealed record Refused(string Rule, string Description) : LogoutTokenVerdict;
}
