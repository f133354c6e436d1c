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
        app.Use(next => http => http.Request.Path.Value switch
        {
            "/verify" when OriginalRequest.MayAskBy(http.Request.Method) => forwardAuth.AnswerAsync(http),
            "/verify" => RefuseMethod(http),
            _ => LeaveConnectionThread(http, next),
        });

        app.UseRouting();
        LoginRoutes.Map(app);     // GET and POST /auth/login, GET /auth/callback
        LogoutRoutes.Map(app);    // GET and POST /auth/logout, GET /auth/logged-out
        SessionRoutes.Map(app);   // /auth/sessions, /api/sessions, /api/subjects/{key}/revoke, /api/tokens/revoke, /api/everybody/revoke
        AuditRoutes.Map(app);     // /api/audit/sessions/{id}, /api/audit/subjects/{key}, /api/audit/events, /revocations/{position}
        app.UseEndpoints(_ => { });
    }

    private static Task RefuseMethod(HttpContext http)
    {
        http.Response.StatusCode = StatusCodes.Status405MethodNotAllowed;
        http.Response.Headers.Allow = "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS";
        http.Response.Headers.CacheControl = "no-store";
        return Task.CompletedTask;
    }

    // Pages and APIs wait for the database and the IdP: that must not happen on the thread that serves the sockets.
    private static async Task LeaveConnectionThread(HttpContext http, RequestDelegate next)
    {
        await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
        await next(http);
    }
}
