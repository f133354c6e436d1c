using System.Diagnostics;
using System.Text;
using System.Text.Json;
using EventAuth.Adapters.Settings;
using EventAuth.Domain.Login;
using EventAuth.Domain.Refresh;

namespace EventAuth.Adapters.Oidc;

/// <summary>
/// Our side of the conversation with one IdP: code, refresh, userinfo, revocation, sign-out. What the IdP says, and that
/// it says nothing, are results; only a caller that gives up sees an exception.
/// </summary>
public sealed class ProviderClient(
    ProviderSettings settings, ProviderMetadata metadata, TokenChecks checks, HttpClient http, TimeProvider clock)
{
    /// <summary>Where the browser goes to sign in.</summary>
    /// <exception cref="ProviderUnavailableException">The IdP's endpoints can't be had.</exception>
    public async Task<Uri> AuthorizationUrlAsync(AuthorizationRequest request, CancellationToken ct) =>
        ProviderRequests.Authorization(await metadata.EndpointsAsync(ct), settings, request);

    /// <summary>Exchanges the code of a login for tokens; asks once, whatever the answer.</summary>
    public async Task<CodeExchange> ExchangeCodeAsync(
        string code, string redirectUri, LoginAttempt attempt, TimeSpan timeout, CancellationToken ct)
    {
        var (answer, tokens) = await AskForTokensAsync(
            [
                new("grant_type", "authorization_code"),
                new("code", code),
                new("redirect_uri", redirectUri),
                new("code_verifier", attempt.CodeVerifier),
            ],
            timeout,
            ct);
        if (tokens is null)
        {
            return new CodeExchange.Failed(answer);
        }

        var expected = IdTokenExpectations.ForLogin(settings.Issuer, settings.ClientId, attempt.Nonce, tokens.AccessToken) with
        {
            MaxAge = settings.MaxAge > TimeSpan.Zero ? settings.MaxAge : null,
        };
        return await checks.IdTokenAsync(tokens.IdToken, expected, ct) switch
        {
            IdTokenCheck.Accepted accepted => new CodeExchange.Completed(tokens, accepted.Claims, Map(accepted.Claims.All)),
            IdTokenCheck.Refused refused => new CodeExchange.IdTokenRefused(refused.Rule, refused.Description),
            IdTokenCheck.KeysUnavailable away => new CodeExchange.Failed(new ProviderAnswer.Unavailable(away.Error, away.RetryAfter)),
            _ => throw new UnreachableException(),
        };
    }

    /// <summary>Renews tokens; asks once. After a time-out the refresh token may have been used up.</summary>
    /// <param name="sub">Whose session it is: an ID token of anybody else ends it.</param>
    public async Task<RefreshResult> RefreshAsync(string refreshToken, string sub, TimeSpan timeout, CancellationToken ct)
    {
        var (answer, tokens) = await AskForTokensAsync(
            [new("grant_type", "refresh_token"), new("refresh_token", refreshToken)], timeout, ct);
        if (tokens is null)
        {
            return new RefreshResult.Failed(answer);
        }

        var renewed = tokens with { RefreshToken = tokens.RefreshToken ?? refreshToken };
        if (tokens.IdToken is null)
        {
            return new RefreshResult.Renewed(renewed, null);
        }

        var expected = IdTokenExpectations.ForRefresh(settings.Issuer, settings.ClientId, sub, tokens.AccessToken);
        return await checks.IdTokenAsync(tokens.IdToken, expected, ct) switch
        {
            IdTokenCheck.Accepted accepted => new RefreshResult.Renewed(renewed, Map(accepted.Claims.All)),
            IdTokenCheck.Refused { IdentityChanged: true } refused =>
                new RefreshResult.Failed(new ProviderAnswer.IdentityChanged(refused.Rule)),
            IdTokenCheck.Refused => new RefreshResult.Failed(new ProviderAnswer.Unavailable("id_token_refused", null)),

            // The old refresh token is used up, so the new one is kept; what could not be verified is dropped.
            IdTokenCheck.KeysUnavailable => new RefreshResult.Renewed(renewed with { IdToken = null }, null),
            _ => throw new UnreachableException(),
        };
    }

    /// <summary>Asks who the access token stands for (OpenID Connect Core 5.3).</summary>
    /// <param name="afterRefresh">The token was issued a moment ago: if it is refused now, the person is refused.</param>
    public async Task<UserInfoResult> UserInfoAsync(
        string accessToken, string sub, bool afterRefresh, TimeSpan timeout, CancellationToken ct)
    {
        var (endpoints, unavailable) = await EndpointsAsync(ct);
        if (endpoints is null)
        {
            return new UserInfoResult.Failed(unavailable!);
        }

        if (endpoints.UserInfo is null)
        {
            return new UserInfoResult.Told(MappedClaims.Nothing);
        }

        using var request = ProviderRequests.UserInfo(endpoints.UserInfo, accessToken);
        var reply = await ProviderHttp.SendAsync(http, request, timeout, clock, ct);
        if (reply is HttpReply.Answer { Status: 200, IsJwt: true } signed)
        {
            return await ReadSignedAsync(signed.Body, sub, ct);
        }

        var endpoint = afterRefresh ? ProviderEndpoint.UserInfoAfterRefresh : ProviderEndpoint.UserInfo;
        var answer = TokenAnswer.Classify(reply, endpoint, settings.FatalErrors);
        if (answer is not ProviderAnswer.Granted || reply is not HttpReply.Answer { Json: { } claims })
        {
            return new UserInfoResult.Failed(answer);
        }

        return OfPerson(claims, sub);
    }

    /// <summary>Tells the IdP to forget a token (RFC 7009); false when it could not be told.</summary>
    /// <param name="hint"><c>refresh_token</c> or <c>access_token</c>.</param>
    public async Task<bool> RevokeAsync(string token, string hint, TimeSpan timeout, CancellationToken ct)
    {
        var (endpoints, _) = await EndpointsAsync(ct);
        if (endpoints?.Revocation is null)
        {
            return false;
        }

        using var request = ProviderRequests.Form(
            endpoints.Revocation, endpoints, settings, new("token", token), new("token_type_hint", hint));
        return await ProviderHttp.SendAsync(http, request, timeout, clock, ct) is HttpReply.Answer { Status: 200 };
    }

    /// <summary>Where the browser goes to sign out at the IdP too; null when there is no such place or it can't be had.</summary>
    public async Task<Uri?> EndSessionUrlAsync(
        string? idTokenHint, string? postLogoutRedirectUri, string? state, CancellationToken ct)
    {
        var (endpoints, _) = await EndpointsAsync(ct);
        return endpoints?.EndSession is { } endpoint
            ? ProviderRequests.EndSession(endpoint, settings, idTokenHint, postLogoutRedirectUri, state)
            : null;
    }

    // 5.3.2: without the same sub nothing of it may be used.
    private UserInfoResult OfPerson(JsonElement claims, string sub) => TokenAnswer.Subject(claims) switch
    {
        null => new UserInfoResult.Failed(new ProviderAnswer.Unavailable("sub_missing", null)),
        { } told when string.Equals(told, sub, StringComparison.Ordinal) => new UserInfoResult.Told(Map(claims)),
        _ => new UserInfoResult.Failed(new ProviderAnswer.IdentityChanged("sub-changed")),
    };

    private async Task<UserInfoResult> ReadSignedAsync(byte[] body, string sub, CancellationToken ct)
    {
        try
        {
            return await checks.SignedUserInfoAsync(Encoding.ASCII.GetString(body), ct) is { } claims
                ? OfPerson(claims, sub)
                : new UserInfoResult.Failed(new ProviderAnswer.Unavailable("userinfo_refused", null));
        }
        catch (ProviderUnavailableException e)
        {
            return new UserInfoResult.Failed(new ProviderAnswer.Unavailable(e.Error, e.RetryAfter));
        }
    }

    private async Task<(ProviderAnswer Answer, TokenSet? Tokens)> AskForTokensAsync(
        KeyValuePair<string, string>[] parameters, TimeSpan timeout, CancellationToken ct)
    {
        var (endpoints, unavailable) = await EndpointsAsync(ct);
        if (endpoints is null)
        {
            return (unavailable!, null);
        }

        using var request = ProviderRequests.Form(endpoints.Token, endpoints, settings, parameters);
        var askedAt = clock.GetUtcNow();
        var reply = await ProviderHttp.SendAsync(http, request, timeout, clock, ct);
        var answer = TokenAnswer.Classify(reply, ProviderEndpoint.Token, settings.FatalErrors);
        if (answer is not ProviderAnswer.Granted || reply is not HttpReply.Answer { Json: { } json })
        {
            return (answer, null);
        }

        return TokenAnswer.Read(json, askedAt) is { } tokens ? (answer, tokens) : (new ProviderAnswer.Unavailable("no_tokens", null), null);
    }

    private async Task<(ProviderEndpoints? Endpoints, ProviderAnswer? Unavailable)> EndpointsAsync(CancellationToken ct)
    {
        try
        {
            return (await metadata.EndpointsAsync(ct), null);
        }
        catch (ProviderUnavailableException e)
        {
            return (null, new ProviderAnswer.Unavailable(e.Error, e.RetryAfter));
        }
    }

    private MappedClaims Map(JsonElement claims) =>
        ClaimMapping.Map(claims, settings.GroupsClaim, settings.RolesClaim, settings.TrustEmail);
}
