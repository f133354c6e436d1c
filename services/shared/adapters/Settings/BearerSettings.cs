using EventAuth.Domain.Bearer;

namespace EventAuth.Adapters.Settings;

/// <summary>Access tokens that programs bring; without issuers none is looked at, and the header is the application's own.</summary>
public sealed record BearerSettings
{
    public IReadOnlyList<BearerIssuerSettings> Issuers { get; init; } = [];

    /// <summary>The realm of challenges (RFC 9110, 11.5).</summary>
    public string Realm { get; init; } = "eventauth";

    /// <summary>Every allow tells the proxy to replace <c>Authorization</c> by nothing, so that no application sees tokens.</summary>
    public bool WithholdAuthorization { get; init; }

    /// <summary>Tokens that are not good, from one address within the window, before further ones are answered 429; 0: no limit.</summary>
    public int FailureThreshold { get; init; } = 20;

    public TimeSpan FailureWindow { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>How long such an address is answered 429 for tokens that were not checked before.</summary>
    public TimeSpan FailurePenalty { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>The longest time that a token can be in use after its <c>iat</c>.</summary>
    public TimeSpan LongestLife => Issuers.Count == 0 ? TimeSpan.Zero : Issuers.Max(i => i.Expected.MaxAge + i.Expected.Skew);
}

/// <summary>Whose access tokens are accepted, and which of them.</summary>
public sealed record BearerIssuerSettings
{
    public required AccessTokenExpectations Expected { get; init; }

    public required IReadOnlyList<string> SigningAlgorithms { get; init; }

    /// <summary>A JWK set at an address; null: see <see cref="KeyFile"/>, else the issuer's discovery document.</summary>
    public Uri? KeysUrl { get; init; }

    /// <summary>A JWK set or PEM keys in a file.</summary>
    public string? KeyFile { get; init; }

    public bool KeyFileIsPem { get; init; }

    /// <summary>Asks the issuer about tokens (RFC 7662); null: never.</summary>
    public IntrospectionSettings? Introspection { get; init; }
}

/// <summary>The introspection endpoint of an issuer and our credentials there.</summary>
/// <param name="ForAll">Asks about tokens that are JWTs too, after their signature was found good.</param>
/// <param name="KeptFor">How long an answer counts.</param>
/// <param name="AudienceNeeded">Refuse an answer that does not say for whom the token is.</param>
public sealed record IntrospectionSettings(
    Uri Endpoint, string ClientId, string ClientSecret, bool ForAll, TimeSpan KeptFor, TimeSpan Timeout, bool AudienceNeeded)
{
    /// <summary>Shows no secret.</summary>
    public override string ToString() => $"introspection at {Endpoint}";
}
