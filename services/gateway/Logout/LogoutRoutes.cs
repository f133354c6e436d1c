using EventAuth.Adapters.Refresh;
using EventAuth.Gateway.Pages;

namespace EventAuth.Gateway.Logout;

/// <summary>Where people sign out, and what that needs.</summary>
internal static class LogoutRoutes
{
    public static void Map(IEndpointRouteBuilder routes)
    {
        var pages = routes.MapGroup("").WithErrorPages();
        pages.MapGet("/auth/logout", LogoutEndpoint.GetAsync);
        pages.MapPost("/auth/logout", LogoutEndpoint.PostAsync);
        pages.MapGet("/auth/logged-out", LogoutEndpoint.LoggedOutAsync);
    }

    public static void Register(IServiceCollection services)
    {
        services.AddSingleton<LogoutLog>().AddSingleton<LogoutEndpoint>();
        services.AddSingleton<TokenRevocations>().AddHostedService(p => p.GetRequiredService<TokenRevocations>());
    }
}
