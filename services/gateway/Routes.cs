using EventAuth.Gateway.Audit;
using EventAuth.Gateway.ForwardAuth;
using EventAuth.Gateway.Login;
using EventAuth.Gateway.Logout;
using EventAuth.Gateway.Sessions;

namespace EventAuth.Gateway;

/// <summary>The complete public HTTP surface of the gateway.</summary>
internal static class Routes
{
    public static void Answer(WebApplication app)
    {
        // The proxy's question comes before routing: one terminal middleware, nothing else on its way.
        var forwardAuth = app.Services.GetRequiredService<ForwardAuthEndpoint>();
        app.Use(next => http => http.Request.Path.Value == "/verify" ? forwardAuth.AnswerAsync(http) : LeaveConnectionThread(http, next));

        app.UseRouting();
        LoginRoutes.Map(app);     // GET /auth/login, GET /auth/callback
        LogoutRoutes.Map(app);    // GET and POST /auth/logout, GET /auth/logged-out
        SessionRoutes.Map(app);   // /auth/sessions, /api/sessions, /api/subjects/{key}/revoke, /api/tokens/revoke, /api/everybody/revoke
        AuditRoutes.Map(app);     // /api/audit/sessions/{id}, /api/audit/subjects/{key}, /api/audit/events, /revocations/{position}
        app.UseEndpoints(_ => { });
    }

    // Pages and APIs wait for the database and the IdP: that must not happen on the thread that serves the sockets.
    private static async Task LeaveConnectionThread(HttpContext http, RequestDelegate next)
    {
        await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
        await next(http);
    }
}
