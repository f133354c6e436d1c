using System.Buffers.Text;
using System.Security.Cryptography;
using EventAuth.Adapters.Oidc;
using EventAuth.Adapters.Postgres;
using EventAuth.Adapters.Refresh;
using EventAuth.Adapters.Secrets;
using EventAuth.Adapters.Settings;
using EventAuth.Contracts;
using EventAuth.Gateway.Cookies;
using EventAuth.Gateway.Login;
using EventAuth.Gateway.Pages;

namespace EventAuth.Gateway.Logout;

/// <summary>
/// <c>/auth/logout</c>: ends the session here first, then at the IdP (RP-Initiated Logout 1.0). Only a form of ours does
/// it: a link or an image on another site must not sign anybody out.
/// </summary>
internal sealed class LogoutEndpoint(
    Visitors visitors, SessionEnding ending, TokenStore tokenStore, TokenVault vault, ProviderDirectory providers,
    TokenRevocations revocations, EventAuthSettings settings, LogoutLog log)
{
    // To a page that is ours: whether anything answers at the root of our host is not for us to know.
    private const string SignInAgain = "/auth/login?rd=%2Fauth%2Fsessions";

    private static readonly Problem Foreign = new(
        StatusCodes.Status403Forbidden, "form-not-ours", "Please sign out here", "The request did not come from this page.");

    public static Task GetAsync(HttpContext http, LogoutEndpoint endpoint, CancellationToken ct) => endpoint.AskAsync(http, ct);

    public static Task PostAsync(HttpContext http, LogoutEndpoint endpoint, CancellationToken ct) => endpoint.SignOutAsync(http, ct);

    /// <summary>The address an IdP sends browsers back to, and where browsers without a session end too.</summary>
    public static async Task LoggedOutAsync(HttpContext http, Visitors visitors, EventAuthSettings settings, CancellationToken ct)
    {
        if (await visitors.FindAsync(http, ct) is null)
        {
            await WriteLoggedOutAsync(http, settings, ct);
            return;
        }

        await Page.WriteAsync(http, StatusCodes.Status200OK, "Still signed in", Html.Of($"""
            <h1>You are still signed in</h1><p>This browser has a session here. <a href="{OwnUrl.Of(settings, "/auth/logout")}">Sign out</a>
            or see <a href="{OwnUrl.Of(settings, "/auth/sessions")}">your sessions</a>.</p>
            """), PageForm.Plain, ct);
    }

    private async Task AskAsync(HttpContext http, CancellationToken ct)
    {
        if (await visitors.FindAsync(http, ct) is not { } visitor)
        {
            await WriteLoggedOutAsync(http, settings, ct);
            return;
        }

        await Page.WriteAsync(http, StatusCodes.Status200OK, "Sign out", Html.Of($"""
            <h1>Sign out?</h1><p>You are signed in as {visitor.Session.Name ?? visitor.Session.Email ?? visitor.Session.Subject.Sub}.</p>
            <form method="post" action="{OwnUrl.Of(settings, "/auth/logout")}"><input type="hidden" name="token" value="{visitor.FormToken}">
            <button class="p">Sign out</button></form>
            <p class="m"><a href="{OwnUrl.Of(settings, "/auth/sessions")}">See where you are signed in</a></p>
            """), PageForm.Form, ct);
    }

    private async Task SignOutAsync(HttpContext http, CancellationToken ct)
    {
        // Read.
        if (CrossSite.Sent(http.Request, settings) || await OwnForm.ReadAsync(http, ct) is not { } form)
        {
            log.Refused("it came from another site or was no form");
            await ErrorPage.WriteAsync(http, Foreign, incident: null, OwnUrl.Of(settings, "/auth/logout"), ct);
            return;
        }

        // Load. Without a session there is nothing to protect, and nothing to do.
        if (await visitors.FindAsync(http, ct) is not { } visitor)
        {
            Forget(http);
            SeeOther(http, OwnUrl.Of(settings, "/auth/logged-out"));
            return;
        }

        // Decide.
        if (!visitor.Signed(form["token"] is [{ } token] ? token : null))
        {
            log.Refused("the form's token is not this session's");
            await ErrorPage.WriteAsync(http, Foreign, incident: null, OwnUrl.Of(settings, "/auth/logout"), ct);
            return;
        }

        // Answer. The tokens are read before, since they are deleted with the session.
        var tokens = await ReadTokensAsync(visitor.Session.Id, ct);
        await ending.EndAsync(visitor.Session.Id, EndReason.SignedOut, cause: null, visitor.Key,
            $"request:{http.TraceIdentifier}", CancellationToken.None);
        log.SignedOut(visitor.Session.Id, visitor.Key);
        Forget(http);
        SeeOther(http, await GoOnAsync(visitor.Session.Subject.Issuer, tokens, ct));
    }

    private async Task<string> GoOnAsync(string issuer, SessionTokens? tokens, CancellationToken ct)
    {
        var loggedOut = OwnUrl.Of(settings, "/auth/logged-out");
        if (providers.Find(issuer) is not { } provider)
        {
            return loggedOut;
        }

        if (tokens is not null)
        {
            revocations.Enqueue(provider, tokens);
        }

        // Nobody checks the state on return: the page there does nothing that could be forged.
        var state = Base64Url.EncodeToString(RandomNumberGenerator.GetBytes(16));
        var url = await provider.Client.EndSessionUrlAsync(tokens?.IdToken, loggedOut, state, ct);
        return url?.AbsoluteUri ?? loggedOut;
    }

    private async Task<SessionTokens?> ReadTokensAsync(SessionId id, CancellationToken ct)
    {
        try
        {
            var stored = await tokenStore.ReadAsync(id, ct);
            return stored is null ? null : SessionTokens.Open(vault, stored.Secret, id);
        }
        catch (SealBrokenException e)
        {
            log.TokensUnreadable(e.Message);
            return null;
        }
    }

    private void Forget(HttpContext http)
    {
        SessionCookie.Clear(http.Response, settings.Session, OwnUrl.IsSecure(settings));
        BrowserBinding.Clear(http.Response, settings);
    }

    private static Task WriteLoggedOutAsync(HttpContext http, EventAuthSettings settings, CancellationToken ct) =>
        Page.WriteAsync(http, StatusCodes.Status200OK, "Signed out", Html.Of($"""
            <h1>You are signed out</h1><p>This browser has no session here any more.</p>
            <p><a href="{OwnUrl.Of(settings, SignInAgain)}">Sign in again</a></p>
            """), PageForm.Plain, ct);

    // RFC 9700 4.12: 303 makes a GET of the POST; 307 would send the form on to the IdP.
    private static void SeeOther(HttpContext http, string url)
    {
        http.Response.StatusCode = StatusCodes.Status303SeeOther;
        http.Response.Headers.Location = url;
        http.Response.Headers.CacheControl = "no-store";
    }
}
