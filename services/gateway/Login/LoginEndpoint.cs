using EventAuth.Adapters.Oidc;
using EventAuth.Adapters.Settings;
using EventAuth.Domain.Access;
using EventAuth.Gateway.Cookies;
using EventAuth.Gateway.Pages;
using Microsoft.Extensions.Primitives;

namespace EventAuth.Gateway.Login;

/// <summary>
/// <c>/auth/login?rd=…</c>: signs in and goes to <c>rd</c>; straight there for whoever is signed in. It is also the
/// <c>initiate_login_uri</c> of OpenID Connect Core 4: <c>iss</c> chooses among the configured IdPs, <c>target_link_uri</c> is
/// another name of <c>rd</c>. Every other parameter is ignored: any page of the web can link here.
/// </summary>
internal sealed class LoginEndpoint(
    LoginStart start, LoginRefusals refusals, Visitors visitors, ProviderDirectory providers, ReturnHosts hosts,
    EventAuthSettings settings, TimeProvider clock)
{
    private static readonly Problem UnknownIssuer = new(
        StatusCodes.Status400BadRequest, "login-issuer", "You could not be signed in", "This site does not use that sign-in service.");

    public static Task GetAsync(HttpContext http, LoginEndpoint endpoint, CancellationToken ct) => endpoint.AnswerAsync(http, ct);

    public static Task PostAsync(HttpContext http, LoginEndpoint endpoint, CancellationToken ct) => endpoint.AnswerFormAsync(http, ct);

    private async Task AnswerAsync(HttpContext http, CancellationToken ct)
    {
        // Read.
        if (!TryRead(http.Request.Query.TryGetValue, out var wish))
        {
            await RefuseAsync(http, ct);
            return;
        }

        var now = clock.GetUtcNow();
        var binding = BrowserBinding.Read(http.Request.Headers, settings) ?? BrowserBinding.Fresh(now);

        // Load, decide, answer. Whoever is signed in stays who they are, whatever issuer a link names.
        if (await visitors.FindAsync(http, ct) is null)
        {
            await start.BeginAsync(http, wish, binding, ct);
        }
        else if (binding.GoesInCircles(now))
        {
            await start.StopAsync(http, wish.ReturnTo, ct);
        }
        else
        {
            // A browser that is sent here signed in, again and again, carries its cookie to us but not to the application.
            binding.AnotherRound(now).Set(http.Response, settings);
            start.SendTo(http, wish.ReturnTo);
        }
    }

    // A form of another site comes without our cookies; the redirect that follows it comes with them.
    private async Task AnswerFormAsync(HttpContext http, CancellationToken ct)
    {
        if (await OwnForm.ReadAsync(http, ct) is { } form && TryRead(form.TryGetValue, out var wish))
        {
            start.SendToLogin(http, wish);
            return;
        }

        await RefuseAsync(http, ct);
    }

    private delegate bool Values(string name, out StringValues values);

    // Two of a name, or an address that leads elsewhere, count as none: there is no rule by which to choose. But an
    // issuer that we don't know is not silently another one.
    private bool TryRead(Values parameters, out LoginWish wish)
    {
        var target = parameters("rd", out var rd) ? rd : parameters("target_link_uri", out var link) ? link : default;
        var returnTo = ReturnUrl.TryParse(target is [{ } one] ? one : null, hosts, out var url) ? url : ReturnUrl.Home;
        var issuer = parameters("iss", out var issuers) ? issuers is [{ } named] ? named : "" : null;
        wish = new LoginWish(returnTo, issuer);
        return issuer is null || providers.Find(issuer) is not null;
    }

    private Task RefuseAsync(HttpContext http, CancellationToken ct) =>
        refusals.RefuseAsync(http, UnknownIssuer, "issuer-unknown", issuer: "", login: null, start.LinkTo(new LoginWish(ReturnUrl.Home)), ct);
}
