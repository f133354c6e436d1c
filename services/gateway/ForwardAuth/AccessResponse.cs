using System.Globalization;
using System.Text.Json;
using EventAuth.Adapters.Settings;
using EventAuth.Contracts;
using EventAuth.Domain.Access;
using EventAuth.Gateway.Bearer;
using EventAuth.Gateway.Cache;
using EventAuth.Gateway.Cookies;
using EventAuth.Gateway.Login;
using EventAuth.Gateway.Pages;
using Microsoft.Extensions.Primitives;

namespace EventAuth.Gateway.ForwardAuth;

/// <summary>
/// A decision as HTTP. 2xx means "let it pass" to every proxy, so nothing but an allow is ever 2xx; bodies stay under 2 kB
/// because proxies limit them.
/// </summary>
internal sealed class AccessResponse(EventAuthSettings settings, LoginStart login, ReturnHosts hosts, BearerChallenge challenge)
{
    private const string RetrySeconds = "2";
    private static readonly StringValues NoStore = "no-store";
    private static readonly StringValues Nothing = "";
    private readonly bool _secure = settings.PublicUrl.Scheme == Uri.UriSchemeHttps;

    /// <summary>Lets the request pass; every identity header is set, empty where there is nothing to say.</summary>
    public void Allow(HttpContext http, CachedIdentity? identity)
    {
        var headers = http.Response.Headers;
        http.Response.StatusCode = StatusCodes.Status200OK;
        http.Response.ContentLength = 0;
        headers.CacheControl = NoStore;
        headers[IdentityHeaders.User] = identity?.User ?? Nothing;
        headers[IdentityHeaders.UserEmail] = identity?.Email ?? Nothing;
        headers[IdentityHeaders.UserName] = identity?.Name ?? Nothing;
        headers[IdentityHeaders.UserGroups] = identity?.Groups ?? Nothing;
        headers[IdentityHeaders.Groups] = identity?.Groups ?? Nothing;
        headers[IdentityHeaders.Roles] = identity?.Roles ?? Nothing;
        headers[IdentityHeaders.AuthRequestUser] = identity?.User ?? Nothing;
        headers[IdentityHeaders.AuthRequestEmail] = identity?.Email ?? Nothing;
        headers[IdentityHeaders.AuthRequestGroups] = identity?.Groups ?? Nothing;
        if (settings.Bearer.WithholdAuthorization)
        {
            headers.Authorization = Nothing;
        }
    }

    /// <summary>Every other answer.</summary>
    /// <param name="hadCookie">The browser brought a session cookie that is of no use.</param>
    public Task RefuseAsync(HttpContext http, AccessDecision decision, in Question question, bool hadCookie, string incident)
    {
        http.Response.Headers.CacheControl = NoStore;
        switch (decision)
        {
            case AccessDecision.SignIn:
                // Cleared only here: a background request that failed must not delete the cookie of a login that is
                // under way in another tab.
                if (hadCookie)
                {
                    SessionCookie.Clear(http.Response, settings.Session, _secure);
                }

                return login.RedirectAsync(http, ReturnTo(question.Request), question.Request.Host, http.RequestAborted);
            case AccessDecision.Unauthenticated:
                http.Response.Headers.WWWAuthenticate = challenge.Plain;
                return ErrorAsync(http, StatusCodes.Status401Unauthorized, "unauthenticated", "Sign in first.", incident);
            case AccessDecision.InvalidToken:
                http.Response.Headers.WWWAuthenticate = challenge.InvalidToken(question.TokenProblem);
                return ErrorAsync(http, StatusCodes.Status401Unauthorized, "invalid_token", $"The access token is not good: {question.TokenProblem}.", incident);
            case AccessDecision.InsufficientScope:
                var scopes = settings.Policy.RuleOf(question.Request)?.Scopes ?? [];
                http.Response.Headers.WWWAuthenticate = challenge.InsufficientScope(scopes);
                return ErrorAsync(http, StatusCodes.Status403Forbidden, "insufficient_scope",
                    $"The access token needs the scopes: {string.Join(' ', scopes)}.", incident);
            case AccessDecision.TooManyFailures:
                http.Response.Headers.RetryAfter = Seconds((question.Token as TokenLookup.Penalised)?.RetryAfter);
                return ErrorAsync(http, StatusCodes.Status429TooManyRequests, "too-many-failures",
                    "Too many access tokens from this address were not good.", incident);
            case AccessDecision.Deny deny:
                var status = StatusOf(deny.Reason);
                if (deny.Reason is DenyReason.SeveralCredentials or DenyReason.CredentialMismatch)
                {
                    http.Response.Headers.WWWAuthenticate = challenge.InvalidRequest(Explain(deny.Reason).TrimEnd('.'));
                }

                return ErrorAsync(http, status, deny.Reason.Id(), Explain(deny.Reason), incident);
            case AccessDecision.Unavailable:
                http.Response.Headers.RetryAfter = Seconds((question.Token as TokenLookup.Unavailable)?.RetryAfter);
                return ErrorAsync(http, StatusCodes.Status503ServiceUnavailable, "unavailable",
                    "It cannot be checked right now whether you are signed in. Try again in a moment.", incident);
            case AccessDecision.PositionNotReached:
                http.Response.Headers.RetryAfter = RetrySeconds;
                return ErrorAsync(http, StatusCodes.Status503ServiceUnavailable, "position-not-reached",
                    "This replica has not got as far as the position in X-Min-Position. Try again in a moment.", incident);
            default:
                return ErrorAsync(http, StatusCodes.Status403Forbidden, DenyReason.Unspecified.Id(), "Not allowed.", incident);
        }
    }

    private ReturnUrl ReturnTo(in ForwardedRequest request) =>
        ReturnUrl.TryParse(request.Url, hosts, out var url) ? url : ReturnUrl.Home;

    private static int StatusOf(DenyReason reason) => reason
        is DenyReason.MalformedRequest or DenyReason.AmbiguousPath or DenyReason.HeaderAlias or DenyReason.MalformedPosition
            or DenyReason.SeveralCredentials or DenyReason.CredentialMismatch
        ? StatusCodes.Status400BadRequest
        : StatusCodes.Status403Forbidden;

    private static string Seconds(TimeSpan? wait) => wait is { } time
        ? Math.Clamp(Math.Ceiling(time.TotalSeconds), 1, 3600).ToString(CultureInfo.InvariantCulture)
        : RetrySeconds;

    private static string Explain(DenyReason reason) => reason switch
    {
        DenyReason.UntrustedProxy => "This address is not among the trusted proxies (setting trustedProxies).",
        DenyReason.HeaderAlias => "The request carries a look-alike of a header that only the proxy may set.",
        DenyReason.AmbiguousPath => "The path can be read in more than one way.",
        DenyReason.MalformedRequest => "The proxy must send X-Forwarded-Method, -Proto, -Host and -Uri, each once and well-formed.",
        DenyReason.MalformedPosition => "X-Min-Position must be one positive whole number, as a revocation answers it.",
        DenyReason.SeveralCredentials => "The request carries more than one Authorization header.",
        DenyReason.CredentialMismatch => "The session cookie and the access token are not of the same person.",
        DenyReason.NoRule => "No rule covers this address.",
        DenyReason.NotAllowed => "You are signed in, but no rule lets you in here.",
        _ => "Not allowed.",
    };

    private Task ErrorAsync(HttpContext http, int status, string code, string text, string incident)
    {
        http.Response.StatusCode = status;
        if (http.Request.Headers.Accept.ToString().Contains("text/html", StringComparison.OrdinalIgnoreCase))
        {
            return ErrorPage.WriteAsync(http, new Problem(status, code, Title(status), text) { LinkText = "Sign out" }, incident, SignOutUrl(status), http.RequestAborted);
        }

        http.Response.ContentType = "application/json";
        var body = JsonSerializer.SerializeToUtf8Bytes(new
        {
            error = code,
            message = text,
            incident,
            login = code == "unauthenticated" ? new Uri(settings.PublicUrl, "/auth/login").ToString() : null,
        });
        http.Response.ContentLength = body.Length;
        return http.Response.Body.WriteAsync(body, http.RequestAborted).AsTask();
    }

    private static string Title(int status) => status switch
    {
        StatusCodes.Status400BadRequest => "This request was not understood",
        StatusCodes.Status401Unauthorized => "Please sign in",
        StatusCodes.Status429TooManyRequests or StatusCodes.Status503ServiceUnavailable => "Please try again in a moment",
        _ => "No access",
    };

    // Whoever is signed in as the wrong person needs a way out.
    private string? SignOutUrl(int status) =>
        status == StatusCodes.Status403Forbidden ? new Uri(settings.PublicUrl, "/auth/logout").ToString() : null;
}
