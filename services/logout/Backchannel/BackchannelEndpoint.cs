using System.Diagnostics;
using EventAuth.Adapters.Oidc;
using EventAuth.Adapters.Postgres;
using EventAuth.Adapters.Sessions;
using EventAuth.Adapters.Settings;
using EventAuth.Adapters.Telemetry;

namespace EventAuth.Logout.Backchannel;

/// <summary>
/// The webhook of OpenID Connect Back-Channel Logout 1.0: read, check, carry out, answer. 200 only after the commit; a
/// token that cannot be checked or carried out now is answered 503 (or as the settings say), so that the IdP tries again.
/// </summary>
public sealed class BackchannelEndpoint(
    ProviderDirectory providers,
    EndSessions endSessions,
    Schema schema,
    EventAuthSettings settings,
    Metrics metrics,
    Failpoints failpoints,
    TimeProvider clock,
    ILogger<BackchannelEndpoint> log)
{
    // IdPs wait about five seconds and do not come back: better a clear refusal before that.
    private static readonly TimeSpan StoreLimit = TimeSpan.FromSeconds(2.5);

    // Keys that are not there yet may take as long as the IdP's metadata may: it is carried out even if nobody waits any more.
    private static readonly TimeSpan TokenLimit = TimeSpan.FromSeconds(20);

    public async Task AnswerAsync(HttpContext http)
    {
        LogoutAnswer answer;
        try
        {
            answer = await DecideAsync(http);
        }
        catch (Exception e) when (IsGone(http, e))
        {
            return;
        }
        catch (Exception e)
        {
            log.Failed(e);
            metrics.LogoutToken("failed");
            http.Response.StatusCode = StatusCodes.Status500InternalServerError;
            return;
        }

        metrics.LogoutToken(answer.Outcome);
        http.Response.OnCompleted(() => failpoints.ReachedAsync(Failpoints.WebhookAfterAnswer));
        await answer.WriteAsync(http.Response, settings.Logout.UnavailableStatus, CancellationToken.None);
    }

    private async Task<LogoutAnswer> DecideAsync(HttpContext http)
    {
        await failpoints.ReachedAsync(Failpoints.WebhookReceived);
        var address = http.Connection.RemoteIpAddress?.ToString() ?? "";
        var (token, refusal) = await LogoutRequest.ReadAsync(http.Request, http.RequestAborted);
        if (token is null)
        {
            return Logged(refusal!, issuer: null, correlation: null, address);
        }

        switch (await CheckAsync(token))
        {
            case LogoutTokenCheck.Accepted accepted:
                await failpoints.ReachedAsync(Failpoints.WebhookValidated);
                var correlation = EndSessions.CorrelationOf(accepted.Issuer, accepted.Token.Jti);
                return Logged(await CarryOutAsync(accepted, token), accepted.Issuer, correlation, address);
            case LogoutTokenCheck.Refused refused:
                return Logged(new LogoutAnswer.Refused(StatusCodes.Status400BadRequest, refused.Rule, refused.Description), null, null, address);
            case LogoutTokenCheck.KeysUnavailable away:
                return Logged(new LogoutAnswer.Away(away.Error, away.RetryAfter), null, null, address);
            default:
                throw new UnreachableException();
        }
    }

    // Not cancelled when the IdP hangs up, from here on: the token may be good, and whom it names must be out.
    private async Task<LogoutTokenCheck> CheckAsync(string token)
    {
        using var limit = new CancellationTokenSource(TokenLimit, clock);
        try
        {
            return await providers.CheckLogoutTokenAsync(token, limit.Token);
        }
        catch (OperationCanceledException)
        {
            return new LogoutTokenCheck.KeysUnavailable("timeout", null);
        }
    }

    private async Task<LogoutAnswer> CarryOutAsync(LogoutTokenCheck.Accepted accepted, string token)
    {
        if (!schema.Applied.IsCompleted)
        {
            return new LogoutAnswer.Away("the event store has not answered yet", null);
        }

        using var limit = new CancellationTokenSource(StoreLimit, clock);
        try
        {
            await failpoints.ReachedAsync(Failpoints.WebhookBeforeAppend);
            var done = await endSessions.EndAsync(accepted.Issuer, accepted.Token, token, limit.Token);
            await failpoints.ReachedAsync(Failpoints.WebhookAfterAppend);
            return done;
        }
        catch (StoreUnavailableException e)
        {
            return new LogoutAnswer.Away(e.InnerException?.Message ?? e.Message, null);
        }
        catch (StreamConflictException)
        {
            return new LogoutAnswer.Away("others were faster too often", null);
        }
        catch (OperationCanceledException)
        {
            return new LogoutAnswer.Away("the event store is too slow", null);
        }
    }

    private LogoutAnswer Logged(LogoutAnswer answer, string? issuer, string? correlation, string address)
    {
        switch (answer)
        {
            case LogoutAnswer.Done { Fresh: true } done:
                log.Accepted(issuer!, address, done.Position, correlation!);
                break;
            case LogoutAnswer.Done done:
                log.Repeated(issuer!, address, done.Position, correlation!);
                break;
            case LogoutAnswer.Refused refused:
                log.Refused(address, refused.Rule);
                break;
            case LogoutAnswer.Away away:
                log.Away(address, away.Problem);
                break;
        }

        return answer;
    }

    private static bool IsGone(HttpContext http, Exception error) =>
        http.RequestAborted.IsCancellationRequested && error is OperationCanceledException or IOException;
}
