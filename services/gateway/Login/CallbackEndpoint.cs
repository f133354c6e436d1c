using System.Diagnostics;
using EventAuth.Adapters.Oidc;
using EventAuth.Adapters.Sessions;
using EventAuth.Adapters.Settings;
using EventAuth.Adapters.Telemetry;
using EventAuth.Domain.Access;
using EventAuth.Domain.Login;
using EventAuth.Gateway.Cookies;
using EventAuth.Gateway.Pages;

namespace EventAuth.Gateway.Login;

/// <summary>
/// <c>GET /auth/callback</c>: the browser comes back from the IdP. A state is used once and only by the browser that began
/// the login; until both are proven nothing is asked of the IdP. A browser that comes with a used or foreign state begins
/// anew, which costs it nothing where the IdP still knows it, and gains an attacker nothing.
/// </summary>
internal sealed class CallbackEndpoint(
    PendingLogins pending, ProviderDirectory providers, CodeRedemption redemption, SessionOpening opening, LoginStart start,
    LoginRefusals refusals, Visitors visitors, ReturnHosts hosts, EventAuthSettings settings, Metrics metrics,
    Failpoints failpoints, TimeProvider clock, LoginLog log)
{
    public static Task GetAsync(HttpContext http, CallbackEndpoint endpoint, CancellationToken ct) => endpoint.AnswerAsync(http, ct);

    private async Task AnswerAsync(HttpContext http, CancellationToken ct)
    {
        var parameters = Parameters(http.Request.Query);
        if (!LoginCallback.TryState(parameters, out var state))
        {
            await RefuseAsync(http, login: null, Invalid("state"), "state", ct);
            return;
        }

        var binding = BrowserBinding.Read(http.Request.Headers, settings);
        switch (await pending.TakeAsync(state, ct))
        {
            case null:
                await AnswerUnknownStateAsync(http, binding, ct);
                break;
            case { } login when !login.Attempt.IsOver(clock.GetUtcNow()) && binding?.Began(login.BindingHash) != true:
                await AnswerOtherBrowserAsync(http, login, binding, ct);
                break;
            case { } login:
                await AnswerAsync(http, parameters, login, binding, ct);
                break;
        }
    }

    private async Task AnswerAsync(
        HttpContext http, CallbackParameters parameters, PendingLogin login, BrowserBinding? binding, CancellationToken ct)
    {
        if (providers.Find(login.Attempt.Issuer) is not { } provider)
        {
            await RefuseAsync(http, login, Invalid("issuer-unknown"), "issuer-unknown", ct);
            return;
        }

        try
        {
            var endpoints = await provider.Metadata.EndpointsAsync(ct);
            switch (LoginCallback.Check(parameters, login.Attempt, endpoints.IssuerInResponse, clock.GetUtcNow()))
            {
                case CallbackOutcome.Proceed proceed:
                    await ProceedAsync(http, provider, proceed.Code, login, binding, ct);
                    break;
                case CallbackOutcome.ProviderError error:
                    await RefuseAsync(http, login, OfError(error), $"provider {error.Error}", ct);
                    break;
                case CallbackOutcome.Refused refused:
                    await RefuseAsync(http, login, Invalid(refused.Rule), refused.Rule, ct);
                    break;
                default:
                    throw new UnreachableException();
            }
        }
        catch (ProviderUnavailableException e)
        {
            await RefuseAsync(http, login, start.ProblemOf(e), $"provider {e.Error}", ct);
        }
    }

    private async Task ProceedAsync(
        HttpContext http, RegisteredProvider provider, string code, PendingLogin login, BrowserBinding? binding, CancellationToken ct)
    {
        var before = await visitors.FindAsync(http, ct);
        var answer = await redemption.RedeemAsync(provider, code, start.RedirectUri, login.Attempt, ct);
        if (answer is not Redemption.Vouched person)
        {
            var refused = (Redemption.Refused)answer;
            await RefuseAsync(http, login, refused.Problem, refused.Reason, ct);
            return;
        }

        await failpoints.ReachedAsync(Failpoints.LoginAfterToken);
        try
        {
            // The code is spent and the tokens are ours: from here on a browser that hangs up changes nothing.
            var secret = await opening.OpenAsync(
                login, person, http.Request.Headers.UserAgent, before, CancellationToken.None);
            await failpoints.ReachedAsync(Failpoints.LoginBeforeCookie);
            SessionCookie.Set(http.Response, settings.Session, OwnUrl.IsSecure(settings), secret);
            if (before is null)
            {
                // Whoever brought a session has not lost the proof of signing in: tabs that sign in one after the other are no circle.
                binding?.AnotherRound(clock.GetUtcNow()).Set(http.Response, settings);
            }

            metrics.LoggedIn("completed");
            start.SendTo(http, ReturnTo(login));
            http.Response.OnCompleted(() => failpoints.ReachedAsync(Failpoints.LoginAfterCookie));
        }
        catch (LoginOvertakenException) when (!login.Again)
        {
            log.BegunAgain("a sign-out overtook it");
            metrics.LoggedIn("overtaken");
            await start.BeginAsync(http, Wish(login) with { Again = true }, Round(binding), ct);
        }
        catch (LoginOvertakenException)
        {
            await RefuseAsync(http, login, Overtaken, "overtaken", ct);
        }
    }

    // A reload, the back button, a second tab, or an old link. Whoever has a session has arrived.
    private async Task AnswerUnknownStateAsync(HttpContext http, BrowserBinding? binding, CancellationToken ct)
    {
        if (await visitors.FindAsync(http, ct) is not null)
        {
            start.SendTo(http, ReturnUrl.Home);
            return;
        }

        log.BegunAgain("its state is unknown or used");
        await start.BeginAsync(http, new LoginWish(ReturnUrl.Home), Round(binding), ct);
    }

    // Several tabs that began at once without the cookie have only the last one's: they begin again with that, which
    // counts as a circle only the second time, or go straight on once one of them has signed in. Without any cookie
    // there is nothing to begin with: a new login would end here too.
    private async Task AnswerOtherBrowserAsync(HttpContext http, PendingLogin login, BrowserBinding? binding, CancellationToken ct)
    {
        if (binding is null)
        {
            await RefuseAsync(http, login, NoBinding, "binding-missing", ct);
            return;
        }

        if (await visitors.FindAsync(http, ct) is not null)
        {
            start.SendTo(http, ReturnTo(login));
            return;
        }

        log.BegunAgain("another browser or tab had begun it");
        await start.BeginAsync(http, Wish(login) with { Again = true }, login.Again ? Round(binding) : binding, ct);
    }

    private Task RefuseAsync(HttpContext http, PendingLogin? login, Problem problem, string reason, CancellationToken ct) =>
        refusals.RefuseAsync(http, problem, reason, login?.Attempt.Issuer ?? "", login, start.LinkTo(Wish(login)), ct);

    private LoginWish Wish(PendingLogin? login) => new(ReturnTo(login), login?.Attempt.Issuer);

    // The rules may have changed since the login began.
    private ReturnUrl ReturnTo(PendingLogin? login) =>
        ReturnUrl.TryParse(login?.Attempt.ReturnUrl, hosts, out var url) ? url : ReturnUrl.Home;

    private BrowserBinding Round(BrowserBinding? binding)
    {
        var now = clock.GetUtcNow();
        return (binding ?? BrowserBinding.Fresh(now)).AnotherRound(now);
    }

    private static CallbackParameters Parameters(IQueryCollection query)
    {
        IReadOnlyList<string> All(string name) => [.. query[name].Select(v => v ?? "")];
        return new CallbackParameters(All("state"), All("code"), All("iss"), All("error"), All("error_description"));
    }

    private static Problem OfError(CallbackOutcome.ProviderError error)
    {
        var told = error.Description is { } text ? $"{error.Error}: {text}" : error.Error;
        return error.Error switch
        {
            "access_denied" => new Problem(StatusCodes.Status403Forbidden, "access-denied", "You were not signed in",
                $"The sign-in service refused, or the sign-in was cancelled ({told})."),
            "temporarily_unavailable" or "server_error" => Problem.ProviderAway(retryAfter: null),
            _ => new Problem(StatusCodes.Status400BadRequest, "provider-error", "You could not be signed in",
                $"The sign-in service reports an error ({told})."),
        };
    }

    private static Problem Invalid(string rule) => new(
        StatusCodes.Status400BadRequest, $"login-{rule}", "You could not be signed in",
        rule == "attempt-expired" ? "Signing in took too long." : "This is not the answer to a sign-in that began here.");

    private static readonly Problem NoBinding = new(
        StatusCodes.Status400BadRequest, "login-binding", "You could not be signed in",
        "This browser did not begin the sign-in, or it keeps no cookies. Please allow cookies for this site and try again.");

    private static readonly Problem Overtaken = new(
        StatusCodes.Status403Forbidden, "login-overtaken", "You were signed out",
        "Somebody signed you out everywhere while you were signing in.");
}
