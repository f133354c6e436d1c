namespace EventAuth.Adapters.Oidc;

/// <summary>The tokens of one answer of the token endpoint.</summary>
/// <param name="RefreshToken">After a refresh: the new one, or the one that was used when the IdP does not rotate.</param>
/// <param name="IdToken">Verified; null when none came or its keys could not be had.</param>
public sealed record TokenSet(string AccessToken, string? RefreshToken, string? IdToken, DateTimeOffset AccessExpiresAt)
{
    /// <summary>Shows no token.</summary>
    public override string ToString() =>
        $"tokens until {AccessExpiresAt:O}{(RefreshToken is null ? "" : ", refreshable")}{(IdToken is null ? "" : ", with ID token")}";
}
