using System.Text.Json;

namespace EventAuth.Domain.Login;

/// <summary>What an ID token must say to be believed.</summary>
public sealed record IdTokenExpectations(string Issuer, string ClientId)
{
    /// <summary>Nonce of the login; null at a refresh, where none is required.</summary>
    public string? Nonce { get; init; }

    /// <summary>Who the session belongs to; null at a login, where anybody may come.</summary>
    public string? Subject { get; init; }

    /// <summary>The access token that came along, for <c>at_hash</c>.</summary>
    public string? AccessToken { get; init; }

    /// <summary>Asked for as <c>max_age</c>: the person must have signed in no longer ago.</summary>
    public TimeSpan? MaxAge { get; init; }

    /// <summary>What is expected of the first ID token of a login.</summary>
    public static IdTokenExpectations ForLogin(string issuer, string clientId, string nonce, string? accessToken) =>
        new(issuer, clientId) { Nonce = nonce, AccessToken = accessToken };

    /// <summary>What is expected of an ID token that came with a refresh (OpenID Connect Core 12.2).</summary>
    public static IdTokenExpectations ForRefresh(string issuer, string clientId, string subject, string? accessToken) =>
        new(issuer, clientId) { Subject = subject, AccessToken = accessToken };

    /// <summary>Shows neither nonce nor token.</summary>
    public override string ToString() => $"ID token of {Issuer} for {ClientId}";
}

/// <summary>What a verified ID token tells.</summary>
/// <param name="All">Every claim, for the mapping of groups and roles.</param>
public sealed record IdTokenClaims(
    string Issuer,
    string Sub,
    string? Sid,
    DateTimeOffset IssuedAt,
    DateTimeOffset ExpiresAt,
    DateTimeOffset? AuthenticatedAt,
    JsonElement All)
{
    /// <summary>Shows no personal data.</summary>
    public override string ToString() => $"ID token of {Issuer}, issued {IssuedAt:O}";
}

/// <summary>Whether an ID token is believed.</summary>
public abstract record IdTokenVerdict
{
    private IdTokenVerdict() { }

    /// <summary>All rules hold.</summary>
    public sealed record Accepted(IdTokenClaims Claims) : IdTokenVerdict;

    /// <summary>The first rule that does not hold; the description holds no part of the token.</summary>
    /// <param name="IdentityChanged">The token is of another issuer or person than the session.</param>
    public sealed record Refused(string Rule, string Description, bool IdentityChanged) : IdTokenVerdict;
}
