namespace EventAuth.Domain.Access;

/// <summary>What is known of the access token that a request came with; the default is "don't know".</summary>
public readonly record struct TokenStanding
{
    private TokenStanding(TokenStandingKind kind, Identity? identity, IReadOnlyList<string> scopes)
    {
        Kind = kind;
        Identity = identity;
        Scopes = scopes;
    }

    /// <summary>It may be good, but that can't be found out now.</summary>
    public static TokenStanding Unknown => default;

    /// <summary>Malformed, forged, expired, not for us, or revoked.</summary>
    public static TokenStanding Refused => new(TokenStandingKind.Refused, null, []);

    public TokenStandingKind Kind { get; }

    /// <summary>Who it speaks for; present exactly when the standing is valid.</summary>
    public Identity? Identity { get; }

    public IReadOnlyList<string> Scopes { get; }

    /// <summary>A good token of this identity.</summary>
    public static TokenStanding Valid(Identity identity, IReadOnlyList<string> scopes)
    {
        ArgumentNullException.ThrowIfNull(identity);
        return new TokenStanding(TokenStandingKind.Valid, identity, scopes);
    }
}

/// <summary>The cases of <see cref="TokenStanding"/>.</summary>
public enum TokenStandingKind
{
    Unknown = 0,
    Refused,
    Valid,
}
