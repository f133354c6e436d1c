using EventAuth.Adapters.Settings;
using EventAuth.Domain.Access;
using EventAuth.Gateway.Cookies;
using EventAuth.Gateway.Pages;

namespace EventAuth.Gateway.Login;

/// <summary><c>GET /auth/login?rd=…</c>: signs in and goes to <c>rd</c>; straight there for whoever is signed in.</summary>
internal static class LoginEndpoint
{
    public static async Task GetAsync(
        HttpContext http, LoginStart start, Visitors visitors, ReturnHosts hosts, EventAuthSettings settings, TimeProvider clock,
        CancellationToken ct)
    {
        // Read. Two of them, or one that leads elsewhere, count as none: there is no rule by which to choose.
        var returnTo = ReturnUrl.TryParse(http.Request.Query["rd"] is [{ } rd] ? rd : null, hosts, out var rdUrl) ? rdUrl : ReturnUrl.Home;
        var now = clock.GetUtcNow();
        var binding = BrowserBinding.Read(http.Request.Headers, settings) ?? BrowserBinding.Fresh(now);

        // Load, decide, answer.
        if (await visitors.FindAsync(http, ct) is null)
        {
            await start.BeginAsync(http, returnTo, binding, again: false, ct);
        }
        else if (binding.GoesInCircles(now))
        {
            await start.StopAsync(http, ct);
        }
        else
        {
            // A browser that is sent here signed in, again and again, carries its cookie to us but not to the application.
            binding.AnotherRound(now).Set(http.Response, settings);
            start.SendTo(http, returnTo);
        }
    }
}
