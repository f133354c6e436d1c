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
    EventAuthSettings settings, ProviderDirectory providers, PendingLogins pending, TimeProvider clock, LoginLog log)
{
    private static readonly Problem Circles = new(
        StatusCodes.Status400BadRequest, "login-circles", "Signing in goes in circles",
        "You have signed in several times within a minute, and each time the proof of it was lost. Likely causes: cookies are "
        + "blocked; this site is outside the configured cookie domain; it was opened by http instead of https; or a clock is wrong.");

    /// <summary>The one redirect URI, from the settings, never from a header (RFC 9700 4.1).</summary>
    public string RedirectUri => OwnUrl.Of(settings, "/auth/callback");

    /// <summary>
    /// Answers with a redirect: to the IdP when the browser's cookies for <paramref name="host"/> reach the callback too,
    /// else to our own login page on the public host. On an outage: 503 with <c>Retry-After</c>.
    /// </summary>
    /// <param name="host">The host the browser is on (<see cref="ForwardedRequest.Host"/>).</param>
    public Task RedirectAsync(HttpContext http, ReturnUrl returnTo, string host, CancellationToken ct)
    {
        if (CookiesReachCallback(host))
        {
            var binding = BrowserBinding.Read(http.Request.Headers, settings) ?? BrowserBinding.Fresh(clock.GetUtcNow());
            return BeginAsync(http, returnTo, binding, again: false, ct);
        }

        Redirect(http, LoginUrl(returnTo));
        return Task.CompletedTask;
    }

    /// <summary>Sends the browser to the IdP and remembers what for.</summary>
    /// <param name="again">The login replaces one that a sign-out had overtaken.</param>
    public async Task BeginAsync(HttpContext http, ReturnUrl returnTo, BrowserBinding binding, bool again, CancellationToken ct)
    {
        var now = clock.GetUtcNow();
        if (binding.GoesInCircles(now))
        {
            await StopAsync(http, ct);
            return;
        }

        var provider = providers.Default;
        var state = PendingLogins.NewSecret();
        var attempt = new LoginAttempt(
            provider.Settings.Issuer, PendingLogins.NewSecret(), PendingLogins.NewSecret(), returnTo.Value, Position: 0, now);
        try
        {
            var request = new AuthorizationRequest(RedirectUri, state, attempt.Nonce, attempt.CodeChallenge);
            var url = await provider.Client.AuthorizationUrlAsync(request, ct);
            await pending.SaveAsync(state, binding.Hash, attempt, again, ct);
            binding.Set(http.Response, settings);
            Redirect(http, url.AbsoluteUri);
        }
        catch (ProviderUnavailableException e)
        {
            log.NotPossible(e.Error);
            await ErrorPage.WriteAsync(http, Problem.ProviderAway(e.RetryAfter), incident: null, LoginUrl(returnTo), ct);
        }
        catch (StoreUnavailableException e)
        {
            log.NotPossible(e.Message);
            await ErrorPage.WriteAsync(http, Problem.StoreAway, incident: null, LoginUrl(returnTo), ct);
        }
    }

    /// <summary>Ends the circles of a browser that signs in again and again.</summary>
    public Task StopAsync(HttpContext http, CancellationToken ct)
    {
        log.Circles();
        return ErrorPage.WriteAsync(http, Circles, incident: null, link: null, ct);
    }

    /// <summary>Sends the browser to where it wanted to be.</summary>
    public void SendTo(HttpContext http, ReturnUrl url) =>
        Redirect(http, url.Value[0] == '/' ? OwnUrl.Of(settings, url.Value) : url.Value);

    /// <summary>Our login page, as an absolute URL: proxies resolve relative ones against their own idea of us.</summary>
    public string LoginUrl(ReturnUrl returnTo) => OwnUrl.Of(settings, $"/auth/login?rd={Uri.EscapeDataString(returnTo.Value)}");

    private bool CookiesReachCallback(string host) =>
        settings.Session.CookieDomain is { } domain
            ? host.Equals(domain, StringComparison.OrdinalIgnoreCase) || host.EndsWith("." + domain, StringComparison.OrdinalIgnoreCase)
            : host.Equals(settings.PublicUrl.IdnHost, StringComparison.OrdinalIgnoreCase);

    private static void Redirect(HttpContext http, string url)
    {
        http.Response.StatusCode = StatusCodes.Status302Found;
        http.Response.Headers.Location = url;
        http.Response.Headers.CacheControl = "no-store";
    }
}
