namespace EventAuth.Domain.Login;

/// <summary>What is remembered of a login between sending the browser to the IdP and its return.</summary>
/// <param name="CodeVerifier">PKCE secret; the IdP sees only its hash until the code is exchanged.</param>
/// <param name="Position">Feed position when the login began: revocations after it hit the session that comes of it.</param>
public sealed record LoginAttempt(
    string Issuer, string Nonce, string CodeVerifier, string ReturnUrl, long Position, DateTimeOffset StartedAt)
{
    /// <summary>How long a person may take at the IdP.</summary>
    public static readonly TimeSpan Lifetime = TimeSpan.FromMinutes(10);

    /// <summary>What the IdP is told of <see cref="CodeVerifier"/>.</summary>
    public string CodeChallenge => Pkce.Challenge(CodeVerifier);

    /// <summary>Whether the browser came back too late, or from the future.</summary>
    public bool IsOver(DateTimeOffset now) => now > StartedAt + Lifetime || now < StartedAt - Lifetime;

    /// <summary>Shows neither nonce nor verifier.</summary>
    public override string ToString() => $"login at {Issuer}, started {StartedAt:O}";
}
