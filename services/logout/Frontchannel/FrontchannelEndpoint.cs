using EventAuth.Adapters.Oidc;
using EventAuth.Adapters.Postgres;
using EventAuth.Adapters.Sessions;
using EventAuth.Adapters.Telemetry;

namespace EventAuth.Logout.Frontchannel;

/// <summary>
/// OpenID Connect Front-Channel Logout 1.0, for issuers that have it on: the IdP's page loads this one in a frame when
/// somebody signs out there. Nothing proves that it was the IdP; cookies are not looked at, because in a frame they seldom come.
/// </summary>
internal sealed class FrontchannelEndpoint(
    ProviderDirectory providers, UnprovenLogout logout, Schema schema, Metrics metrics, TimeProvider clock, ILogger<FrontchannelEndpoint> log)
{
    private static readonly TimeSpan StoreLimit = TimeSpan.FromSeconds(2.5);

    /// <summary>Whether any issuer has it on.</summary>
    public bool IsOffered { get; } = providers.All.Any(p => p.Settings.FrontchannelLogout);

    public async Task AnswerAsync(HttpContext http)
    {
        if (!HttpMethods.IsGet(http.Request.Method))
        {
            http.Response.Headers.Allow = HttpMethods.Get;
            await RefuseAsync(http, StatusCodes.Status405MethodNotAllowed);
            return;
        }

        if (!FrontchannelRequest.TryRead(http.Request, out var request))
        {
            await RefuseAsync(http, StatusCodes.Status400BadRequest);
            return;
        }

        // An issuer that has it off is as unknown as one that we never heard of.
        if (providers.Find(request.Issuer) is not { Settings.FrontchannelLogout: true })
        {
            metrics.FrontchannelLogout("nothing");
            await FrontchannelPage.WriteAsync(http.Response, StatusCodes.Status200OK, framedBy: null);
            return;
        }

        var status = await EndAsync(http, request);
        if (status == StatusCodes.Status503ServiceUnavailable)
        {
            http.Response.Headers.RetryAfter = "2";
        }

        await FrontchannelPage.WriteAsync(http.Response, status, new Uri(request.Issuer));
    }

    // Not cancelled when the browser leaves: the IdP's page goes on to the next as soon as it may.
    private async Task<int> EndAsync(HttpContext http, FrontchannelRequest request)
    {
        if (!schema.Applied.IsCompleted)
        {
            return Away("the event store has not answered yet");
        }

        using var limit = new CancellationTokenSource(StoreLimit, clock);
        try
        {
            var (outcome, cause, position) = await logout.EndAsync(request, limit.Token);
            if (outcome == UnprovenOutcome.Crowded)
            {
                // Counted, not logged: whoever makes the crowd should not fill the log, too.
                metrics.FrontchannelLogout("crowded");
                return StatusCodes.Status503ServiceUnavailable;
            }

            if (outcome == UnprovenOutcome.Ended)
            {
                log.Ended(request.Issuer, http.Connection.RemoteIpAddress?.ToString() ?? "", position, cause!.CorrelationId!);
            }

            metrics.FrontchannelLogout(outcome == UnprovenOutcome.Ended ? "ended" : "nothing");
            return StatusCodes.Status200OK;
        }
        catch (StoreUnavailableException e)
        {
            return Away(e.InnerException?.Message ?? e.Message);
        }
        catch (StreamConflictException)
        {
            return Away("others were faster too often");
        }
        catch (OperationCanceledException)
        {
            return Away("the event store is too slow");
        }
        catch (Exception e)
        {
            log.Failed(e);
            metrics.FrontchannelLogout("failed");
            return StatusCodes.Status500InternalServerError;
        }
    }

    private int Away(string problem)
    {
        log.Away(problem);
        metrics.FrontchannelLogout("unavailable");
        return StatusCodes.Status503ServiceUnavailable;
    }

    private Task RefuseAsync(HttpContext http, int status)
    {
        metrics.FrontchannelLogout("refused");
        return FrontchannelPage.WriteAsync(http.Response, status, framedBy: null);
    }
}
