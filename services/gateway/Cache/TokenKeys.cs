namespace EventAuth.Gateway.Cache;

/// <summary>By what an access token can be revoked.</summary>
/// <param name="Token">Issuer and <c>jti</c>; zero when it has none.</param>
/// <param name="Subject">Issuer and <c>sub</c>.</param>
/// <param name="ProviderSession">Issuer and <c>sid</c>; zero when it has none.</param>
/// <param name="IssuedAt">Null: nobody tells, so that every revocation hits it.</param>
internal readonly record struct TokenKeys(Guid Token, Guid Subject, Guid ProviderSession, DateTimeOffset? IssuedAt);
