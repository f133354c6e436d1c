using System.Diagnostics;
using EventAuth.Adapters.Settings;
using EventAuth.Domain.Login;
using EventAuth.Domain.Logout;

namespace EventAuth.Adapters.Oidc;

/// <summary>What came of checking the text of an ID token.</summary>
public abstract record IdTokenCheck
{
    private IdTokenCheck() { }

    /// <summary>Signature and rules hold.</summary>
    public sealed record Accepted(IdTokenClaims Claims) : IdTokenCheck;

    /// <summary>They don't; the description holds no part of the token.</summary>
    public sealed record Refused(string Rule, string Description, bool IdentityChanged) : IdTokenCheck;

    /// <summary>The token may be good, but its key can't be had.</summary>
    public sealed record KeysUnavailable(string Error, TimeSpan? RetryAfter) : IdTokenCheck;
}

/// <summary>What came of checking the text of a logout token.</summary>
public abstract record LogoutTokenCheck
{
    private LogoutTokenCheck() { }

    /// <summary>Signature and rules hold.</summary>
    public sealed record Accepted(string Issuer, LogoutTokenVerdict.Accepted Token) : LogoutTokenCheck;

    /// <summary>They don't: 400. The description holds no part of the token.</summary>
    public sealed record Refused(string Rule, string Description) : LogoutTokenCheck;

    /// <summary>The token may be good, but its key can't be had: 503.</summary>
    public sealed record KeysUnavailable(string Error, TimeSpan? RetryAfter) : LogoutTokenCheck;
}

/// <summary>
/// Token text → form (<see cref="StrictJws"/>) → signature by the issuer's keys → rules of the domain. A token whose key
/// we don't know makes us look for newer keys once; junk is refused before any key is asked for.
/// </summary>
public sealed class TokenChecks(ProviderSettings settings, ProviderMetadata metadata, TimeProvider clock)
{
    private readonly KeySource _keys = KeySource.Of(metadata);

    /// <summary>Checks an ID token.</summary>
    public async Task<IdTokenCheck> IdTokenAsync(string? token, IdTokenExpectations expected, CancellationToken ct)
    {
        try
        {
            return await _keys.VerifyAsync(StrictJws.Parse(token, settings.SigningAlgorithms), ct) switch
            {
                JwsResult.Verified jws => IdTokenRules.Check(jws.Header, jws.Payload, expected, clock.GetUtcNow()) switch
                {
                    IdTokenVerdict.Accepted accepted => new IdTokenCheck.Accepted(accepted.Claims),
                    IdTokenVerdict.Refused refused =>
                        new IdTokenCheck.Refused(refused.Rule, refused.Description, refused.IdentityChanged),
                    _ => throw new UnreachableException(),
                },
                JwsResult.Refused refused => new IdTokenCheck.Refused(refused.Rule, refused.Description, IdentityChanged: false),
                _ => throw new UnreachableException(),
            };
        }
        catch (ProviderUnavailableException e)
        {
            return new IdTokenCheck.KeysUnavailable(e.Error, e.RetryAfter);
        }
    }

    /// <summary>Checks a logout token of this issuer.</summary>
    public async Task<LogoutTokenCheck> LogoutTokenAsync(string? token, CancellationToken ct)
    {
        var expected = new LogoutTokenExpectations(
            settings.Issuer, settings.ClientId, settings.LogoutTokenRequiresType, settings.LogoutTokenRequiresExpiry);
        try
        {
            return await _keys.VerifyAsync(StrictJws.Parse(token, settings.SigningAlgorithms), ct) switch
            {
                JwsResult.Verified jws => LogoutTokenRules.Check(jws.Header, jws.Payload, expected, clock.GetUtcNow()) switch
                {
                    LogoutTokenVerdict.Accepted accepted => new LogoutTokenCheck.Accepted(settings.Issuer, accepted),
                    LogoutTokenVerdict.Refused refused => new LogoutTokenCheck.Refused(refused.Rule, refused.Description),
                    _ => throw new UnreachableException(),
                },
                JwsResult.Refused refused => new LogoutTokenCheck.Refused(refused.Rule, refused.Description),
                _ => throw new UnreachableException(),
            };
        }
        catch (ProviderUnavailableException e)
        {
            return new LogoutTokenCheck.KeysUnavailable(e.Error, e.RetryAfter);
        }
    }
}
