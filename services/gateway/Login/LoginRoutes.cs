using EventAuth.Gateway.Pages;

namespace EventAuth.Gateway.Login;

/// <summary>Where people sign in, and what that needs.</summary>
internal static class LoginRoutes
{
    public static void Map(IEndpointRouteBuilder routes)
    {
        var pages = routes.MapGroup("").WithErrorPages();
        pages.MapGet("/auth/login", LoginEndpoint.GetAsync);
        pages.MapPost("/auth/login", LoginEndpoint.PostAsync);
        pages.MapGet("/auth/callback", CallbackEndpoint.GetAsync);
    }

    /// <summary>Also what all other pages need: visitors, and our own rules.</summary>
    public static void Register(IServiceCollection services)
    {
        services.AddSingleton<Visitors>().AddSingleton<OwnRules>();
        services.AddSingleton<LoginLog>().AddSingleton<PendingLogins>().AddSingleton<LoginRefusals>().AddSingleton<LoginStart>();
        services.AddSingleton<CodeRedemption>().AddSingleton<SessionEnding>().AddSingleton<SessionOpening>();
        services.AddSingleton<LoginEndpoint>().AddSingleton<CallbackEndpoint>();
    }
}
