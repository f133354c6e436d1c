namespace EventAuth.StubIdp;

/// <summary>How the stub behaves when nothing is scripted.</summary>
public sealed record StubOptions
{
    public TimeProvider Clock { get; init; } = TimeProvider.System;

    public int Port { get; init; }

    public string ClientId { get; init; } = "eventauth";

    public string ClientSecret { get; init; } = "stub-secret";

    public TimeSpan AccessLifetime { get; init; } = TimeSpan.FromMinutes(5);

    /// <summary>A refresh token works once.</summary>
    public bool RotatesRefreshTokens { get; init; } = true;

    /// <summary>How long after its first use a rotated refresh token works once more; zero: a second use ends its grant.</summary>
    public TimeSpan RetryWindow { get; init; }

    /// <summary>RFC 9207: advertised and sent.</summary>
    public bool IssuerInResponse { get; init; } = true;

    public IReadOnlyList<string> AuthenticationMethods { get; init; } = ["client_secret_basic", "client_secret_post"];

    /// <summary>Where end_session sends a logout token before it answers the browser.</summary>
    public Uri? BackchannelLogout { get; init; }
}

/// <summary>Somebody who can sign in.</summary>
public sealed record StubUser(string Sub, string? Email = null, string? Name = null)
{
    /// <summary>What is told with the address; null: nothing.</summary>
    public bool? EmailVerified { get; init; } = true;

    public IReadOnlyList<string>? Groups { get; init; }

    public IReadOnlyList<string>? Roles { get; init; }
}
