using System.Diagnostics;
using EventAuth.Adapters.Oidc;
using EventAuth.Adapters.Settings;
using EventAuth.Domain.Login;
using EventAuth.Domain.Refresh;
using EventAuth.Gateway.Pages;

namespace EventAuth.Gateway.Login;

/// <summary>What the IdP makes of a login's code.</summary>
internal abstract record Redemption
{
    private Redemption() { }

    /// <summary>The IdP vouches for somebody.</summary>
    /// <param name="IsComplete">False when userinfo could not be had: the next check should come at once.</param>
    public sealed record Vouched(
        RegisteredProvider Provider, TokenSet Tokens, IdTokenClaims Identity, MappedClaims Claims, bool IsComplete) : Redemption;

    /// <summary>It does not, or can't be understood.</summary>
    /// <param name="Reason">For log and events.</param>
    public sealed record Refused(Problem Problem, string Reason) : Redemption;
}

/// <summary>
/// Exchanges a code and asks userinfo. What userinfo says goes under what the ID token says: the ID token is signed.
/// Userinfo about somebody else, or refusing a token issued a moment ago, ends the login: the first check of the session
/// would end it as well. Any other failure of userinfo does not: the ID token says who it is, missing groups only close
/// doors, and the session is due for a check at once.
/// </summary>
internal sealed class CodeRedemption(EventAuthSettings settings, LoginLog log)
{
    public async Task<Redemption> RedeemAsync(
        RegisteredProvider provider, string code, string redirectUri, LoginAttempt attempt, CancellationToken ct) =>
        await provider.Client.ExchangeCodeAsync(code, redirectUri, attempt, settings.Refresh.Timeout, ct) switch
        {
            CodeExchange.Completed exchange => await AskUserInfoAsync(provider, exchange, ct),
            CodeExchange.IdTokenRefused refused => Refuse("id-token-refused", $"id-token {refused.Rule}"),
            CodeExchange.Failed failed => OfAnswer(failed.Answer),
            _ => throw new UnreachableException(),
        };

    private async Task<Redemption> AskUserInfoAsync(
        RegisteredProvider provider, CodeExchange.Completed exchange, CancellationToken ct)
    {
        var userInfo = await provider.Client.UserInfoAsync(
            exchange.Tokens.AccessToken, exchange.Identity.Sub, afterRefresh: true, settings.Refresh.Timeout, ct);
        switch (userInfo)
        {
            case UserInfoResult.Told told:
                return new Redemption.Vouched(
                    provider, exchange.Tokens, exchange.Identity, exchange.Claims.Over(told.Claims), IsComplete: true);
            case UserInfoResult.Failed { Answer: { IsFatal: true } answer }:
                return Refuse("userinfo-refused", $"userinfo {answer.Error}");
            default:
                log.WithoutUserInfo(userInfo.Answer.Error);
                return new Redemption.Vouched(
                    provider, exchange.Tokens, exchange.Identity, exchange.Claims, IsComplete: false);
        }
    }

    private Redemption OfAnswer(ProviderAnswer answer)
    {
        switch (answer)
        {
            case ProviderAnswer.Unavailable away:
                return new Redemption.Refused(Problem.ProviderAway(away.RetryAfter), $"provider {away.Error}");
            case ProviderAnswer.Misconfigured wrong:
                log.Misconfigured(wrong.Error);
                return new Redemption.Refused(Problem.ProviderMisconfigured, $"provider {wrong.Error}");
            default:
                return Refuse("code-refused", $"code {answer.Error}");
        }
    }

    private static Redemption.Refused Refuse(string code, string reason) => new(
        new Problem(StatusCodes.Status400BadRequest, code, "You could not be signed in",
            "The answer of the sign-in service was not one we can accept."),
        reason);
}
