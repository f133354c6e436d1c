using EventAuth.Adapters.Oidc;
using EventAuth.Adapters.Sessions;
using EventAuth.Adapters.Settings;
using EventAuth.Domain.Access;
using EventAuth.Domain.Login;
using EventAuth.Gateway.Cookies;
using EventAuth.Gateway.Pages;

namespace EventAuth.Gateway.Login;

/// <summary>Sends a browser to sign in, from wherever it was stopped.</summary>
internal sealed class LoginStart(
    EventAuthSettings settings, ProviderDirectory providers, PendingLogins pending, LoginRefusals refusals, TimeProvider clock, LoginLog log)
{
    // Of a page's link: proxies limit the pages of an auth server to some kilobytes, and an address may have eight.
    private const int MaxLinkLength = 512;

    /// <summary>The one redirect URI, from the settings, never from a header (RFC 9700 4.1).</summary>
    public string RedirectUri => OwnUrl.Of(settings, "/auth/callback");

    /// <summary>
    /// Answers with a redirect: to the IdP when the browser's cookies for <paramref name="host"/> reach the callback too,
    /// else to our own login page on the public host. On an outage: 503 with <c>Retry-After</c>.
    /// </summary>
    /// <param name="host">The host the browser is on (<see cref="ForwardedRequest.Host"/>).</param>
    public Task RedirectAsync(HttpContext http, ReturnUrl returnTo, string host, CancellationToken ct)
    {
        var wish = new LoginWish(returnTo);
        if (CookieScope.Reaches(host, settings))
        {
            var binding = BrowserBinding.Read(http.Request.Headers, settings) ?? BrowserBinding.Fresh(clock.GetUtcNow());
            return BeginAsync(http, wish, binding, ct);
        }

        Redirect(http, StatusCodes.Status302Found, LoginUrl(wish));
        return Task.CompletedTask;
    }

    /// <summary>Sends the browser to the IdP and remembers what for.</summary>
    public async Task BeginAsync(HttpContext http, LoginWish wish, BrowserBinding binding, CancellationToken ct)
    {
        var now = clock.GetUtcNow();
        if (binding.GoesInCircles(now))
        {
            await StopAsync(http, wish.ReturnTo, ct);
            return;
        }

        var provider = providers.Find(wish.Issuer) ?? providers.ForHost(LoginCircles.HostOf(wish.ReturnTo, settings));
        var state = PendingLogins.NewSecret();
        var attempt = new LoginAttempt(
            provider.Settings.Issuer, PendingLogins.NewSecret(), PendingLogins.NewSecret(), wish.ReturnTo.Value, Position: 0, now);
        try
        {
            var request = new AuthorizationRequest(RedirectUri, state, attempt.Nonce, attempt.CodeChallenge);
            var url = await provider.Client.AuthorizationUrlAsync(request, ct);
            await pending.SaveAsync(state, binding.Hash, attempt, wish.Again, ct);
            binding.Set(http.Response, settings);
            Redirect(http, StatusCodes.Status302Found, url.AbsoluteUri);
        }
        catch (ProviderUnavailableException e)
        {
            await refusals.RefuseAsync(http, ProblemOf(e), $"provider {e.Error}", provider.Settings.Issuer, login: null, LinkTo(wish), ct);
        }
        catch (StoreUnavailableException e)
        {
            log.NotPossible(e.Message);
            await ErrorPage.WriteAsync(http, Problem.StoreAway, incident: null, LinkTo(wish), ct);
        }
    }

    /// <summary>Ends the circles of a browser that signs in again and again.</summary>
    public Task StopAsync(HttpContext http, ReturnUrl returnTo, CancellationToken ct)
    {
        var cause = LoginCircles.CauseOf(http, returnTo, settings);
        log.Circles(cause);
        return refusals.RefuseAsync(
            http, LoginCircles.Explain(cause, returnTo, settings), $"circles {cause}", issuer: "", login: null, link: null, ct);
    }

    /// <summary>Sends the browser to where it wanted to be.</summary>
    public void SendTo(HttpContext http, ReturnUrl url) =>
        Redirect(http, StatusCodes.Status302Found, url.Value[0] == '/' ? OwnUrl.Of(settings, url.Value) : url.Value);

    /// <summary>Sends a form's browser to our login page with a request that carries its cookies.</summary>
    public void SendToLogin(HttpContext http, LoginWish wish) => Redirect(http, StatusCodes.Status303SeeOther, LoginUrl(wish));

    /// <summary>What a page says while the IdP's metadata can't be used.</summary>
    public Problem ProblemOf(ProviderUnavailableException error)
    {
        if (!error.IsContradiction)
        {
            return Problem.ProviderAway(error.RetryAfter);
        }

        log.Misconfigured(error.Error);
        return Problem.ProviderMisconfigured;
    }

    /// <summary>Our login page, as the link of a page.</summary>
    public string LinkTo(LoginWish wish) =>
        LoginUrl(wish) is { Length: <= MaxLinkLength } url ? url : LoginUrl(wish with { ReturnTo = ReturnUrl.Home });

    // Absolute: proxies resolve relative addresses against their own idea of us.
    private string LoginUrl(LoginWish wish) => OwnUrl.Of(settings, $"/auth/login?rd={Uri.EscapeDataString(wish.ReturnTo.Value)}"
        + (wish.Issuer is null ? "" : $"&iss={Uri.EscapeDataString(wish.Issuer)}"));

    private static void Redirect(HttpContext http, int status, string url)
    {
        http.Response.StatusCode = status;
        http.Response.Headers.Location = url;
        http.Response.Headers.CacheControl = "no-store";
    }
}
