using EventAuth.Adapters.Settings;
using EventAuth.Domain.Access;
using EventAuth.Gateway.Cookies;
using EventAuth.Gateway.Pages;

namespace EventAuth.Gateway.Login;

/// <summary>
/// Why somebody who has signed in is asked to sign in again, as far as one request shows it. Names the likeliest cause,
/// since whoever sees the page has to ask an operator, and the operator has to know where to look.
/// </summary>
internal static class LoginCircles
{
    /// <summary>The cause in one word, for log and record.</summary>
    public static string CauseOf(HttpContext http, ReturnUrl returnTo, EventAuthSettings settings)
    {
        if (!CookieScope.Reaches(HostOf(returnTo, settings), settings))
        {
            return "cookie-domain";
        }

        // Only a hint for the words on a page: whoever forges it reads the wrong advice.
        if (OwnUrl.IsSecure(settings) && http.Request.Headers["X-Forwarded-Proto"] is ["http"])
        {
            return "http";
        }

        Span<byte> secret = stackalloc byte[Contracts.SessionId.SecretLength];
        return SessionCookie.TryRead(http.Request.Headers, settings.Session.CookieName, secret) switch
        {
            CookieReading.Found => "clock",
            CookieReading.None => "cookies",
            _ => "cookie-twice",
        };
    }

    public static Problem Explain(string cause, ReturnUrl returnTo, EventAuthSettings settings) => new(
        StatusCodes.Status400BadRequest, "login-circles", "Signing in goes in circles",
        "You have signed in several times within a minute, and each time the proof of it was lost. Likely cause: " + cause switch
        {
            "cookie-domain" => $"{HostOf(returnTo, settings)} is outside the cookie domain ({CookieScope.Name(settings)}), so the cookie "
                + "never gets there (setting session.cookieDomain).",
            "http" => "the page was opened by http, and the cookie is sent by https only. Open it by https.",
            "clock" => "the cookie arrives, but its session counts as over: the clock of one of our machines is wrong, "
                + "or somebody signs you out.",
            "cookie-twice" => "there are two cookies of the same name, or a damaged one. Delete the cookies of this site.",
            _ => "the browser sends no cookie: cookies are blocked for this site, or a proxy drops them.",
        });

    /// <summary>The host of a page; our own for a path.</summary>
    public static string HostOf(ReturnUrl url, EventAuthSettings settings) =>
        url.Value[0] == '/' ? settings.PublicUrl.IdnHost : new Uri(url.Value).IdnHost;
}
