using EventAuth.Logout.Backchannel;
using EventAuth.Logout.Frontchannel;

namespace EventAuth.Logout;

/// <summary>The complete public surface of the logout service: the webhook, and the frame where an issuer has it on.</summary>
internal static class Routes
{
    public static void Map(WebApplication app)
    {
        var backchannel = app.Services.GetRequiredService<BackchannelEndpoint>();
        var frontchannel = app.Services.GetRequiredService<FrontchannelEndpoint>();
        app.Run(http =>
        {
            // Also for what is not found: a cached answer to a logout helps nobody.
            http.Response.Headers.CacheControl = "no-store";
            switch (http.Request.Path.Value)
            {
                case "/backchannel-logout":
                    return backchannel.AnswerAsync(http);
                case "/frontchannel-logout" when frontchannel.IsOffered:
                    return frontchannel.AnswerAsync(http);
                default:
                    http.Response.StatusCode = StatusCodes.Status404NotFound;
                    return Task.CompletedTask;
            }
        });
    }
}
