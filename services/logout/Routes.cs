using EventAuth.Logout.Backchannel;

namespace EventAuth.Logout;

/// <summary>The complete public surface of the logout service: one address.</summary>
internal static class Routes
{
    public static void Map(WebApplication app)
    {
        var endpoint = app.Services.GetRequiredService<BackchannelEndpoint>();
        app.Run(http =>
        {
            // Also for what is not found: a cached answer to a webhook helps nobody.
            http.Response.Headers.CacheControl = "no-store";
            if (http.Request.Path.Value == "/backchannel-logout")
            {
                return endpoint.AnswerAsync(http);
            }

            http.Response.StatusCode = StatusCodes.Status404NotFound;
            return Task.CompletedTask;
        });
    }
}
