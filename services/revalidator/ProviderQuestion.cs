using System.Diagnostics;
using EventAuth.Adapters.Oidc;
using EventAuth.Adapters.Postgres;
using EventAuth.Adapters.Refresh;
using EventAuth.Adapters.Secrets;
using EventAuth.Adapters.Settings;
using EventAuth.Domain.Login;
using EventAuth.Domain.Refresh;

namespace EventAuth.Revalidator;

/// <summary>
/// Asks the IdP about one session: renew the tokens where that is possible, then userinfo with the access token. All of
/// it within one time limit.
/// </summary>
public sealed class ProviderQuestion(
    ProviderDirectory providers,
    RefreshSession refresh,
    TokenStore tokens,
    TokenVault vault,
    ProviderHealth health,
    EventAuthSettings settings,
    TimeProvider clock)
{
    /// <exception cref="Adapters.Sessions.StoreUnavailableException">The store is away; nothing is known.</exception>
    public async Task<CheckAnswer> AskAsync(DueSession session, CancellationToken ct)
    {
        if (providers.Find(session.Subject.Issuer) is not { } provider)
        {
            return Noted(session, new CheckAnswer.NotConfirmed(new ProviderAnswer.Misconfigured("unknown_issuer")));
        }

        if (health.Outage(session.Subject.Issuer) is { } outage)
        {
            return new CheckAnswer.NotConfirmed(outage);
        }

        using var limit = new CancellationTokenSource(settings.Revalidation.Timeout, clock);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(ct, limit.Token);
        try
        {
            return Noted(session, await AskAsync(session, provider, either.Token));
        }
        catch (OperationCanceledException) when (!ct.IsCancellationRequested)
        {
            return Noted(session, new CheckAnswer.NotConfirmed(new ProviderAnswer.Unavailable("timeout", null)));
        }
        catch (SealBrokenException)
        {
            return Noted(session, new CheckAnswer.NotConfirmed(new ProviderAnswer.Misconfigured("token_key_missing")));
        }
    }

    private async Task<CheckAnswer> AskAsync(DueSession session, RegisteredProvider provider, CancellationToken ct)
    {
        if (!session.Refreshable)
        {
            return await AskUserInfoAsync(session, provider, null, null, ct);
        }

        // The flight goes on when our time is over: what the IdP gives out must be stored.
        var outcome = await refresh.RunAsync(session.Id, session.TokenVersion, RefreshCaller.Revalidator).WaitAsync(ct);
        return outcome switch
        {
            RefreshOutcome.Renewed renewed =>
                await AskUserInfoAsync(session, provider, renewed.Tokens?.AccessToken, renewed.Claims ?? MappedClaims.Nothing, ct),
            RefreshOutcome.NoRefreshToken => await AskUserInfoAsync(session, provider, null, null, ct),
            RefreshOutcome.Failed failed => new CheckAnswer.NotConfirmed(failed.Answer),
            RefreshOutcome.Unusable unusable => new CheckAnswer.NotConfirmed(new ProviderAnswer.Misconfigured(unusable.Why)),
            RefreshOutcome.Ended ended => new CheckAnswer.Over(ended.Reason),
            RefreshOutcome.Busy => new CheckAnswer.Busy(),
            _ => throw new UnreachableException(),
        };
    }

    /// <param name="renewed">What the refresh before said; null when there was none.</param>
    private async Task<CheckAnswer> AskUserInfoAsync(
        DueSession session, RegisteredProvider provider, string? accessToken, MappedClaims? renewed, CancellationToken ct)
    {
        if (renewed is null && clock.GetUtcNow() >= session.AccessExpiresAt)
        {
            return new CheckAnswer.NoTokens();
        }

        accessToken ??= await StoredAccessTokenAsync(session, ct);
        if (accessToken is null)
        {
            return new CheckAnswer.NoTokens();
        }

        var result = await provider.Client.UserInfoAsync(
            accessToken, session.Subject.Sub, afterRefresh: renewed is not null, settings.Revalidation.Timeout, ct);
        return result is UserInfoResult.Told told
            ? new CheckAnswer.Confirmed(told.Claims.Over(renewed ?? MappedClaims.Nothing))
            : new CheckAnswer.NotConfirmed(result.Answer);
    }

    private async Task<string?> StoredAccessTokenAsync(DueSession session, CancellationToken ct) =>
        await tokens.ReadAsync(session.Id, ct) is { } stored
            ? SessionTokens.Open(vault, stored.Secret, session.Id).AccessToken
            : null;

    private CheckAnswer Noted(DueSession session, CheckAnswer answer)
    {
        switch (answer)
        {
            case CheckAnswer.Confirmed:
                health.Note(session.Subject.Issuer, new ProviderAnswer.Granted());
                break;
            case CheckAnswer.NotConfirmed notConfirmed:
                health.Note(session.Subject.Issuer, notConfirmed.Answer);
                break;
        }

        return answer;
    }
}
