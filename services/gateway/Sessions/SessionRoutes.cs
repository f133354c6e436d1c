using EventAuth.Gateway.Pages;

namespace EventAuth.Gateway.Sessions;

/// <summary>Where sessions are seen and ended, and what that needs.</summary>
internal static class SessionRoutes
{
    public static void Map(IEndpointRouteBuilder routes)
    {
        var pages = routes.MapGroup("").WithErrorPages();
        pages.MapGet("/auth/sessions", SessionsPage.GetAsync);
        pages.MapPost("/auth/sessions", SessionsPage.PostAsync);
        // Where whoever asked for nothing ends up after signing in, when no application has this address.
        pages.MapGet("/", SessionsPage.GetAsync);

        var api = routes.MapGroup("").WithProblems();
        api.MapGet("/api/sessions", SessionsApi.ListAsync);
        api.MapDelete("/api/sessions", SessionsApi.DeleteManyAsync);
        api.MapDelete("/api/sessions/{id}", SessionsApi.DeleteOneAsync);
        api.MapPost("/api/sessions/{id}/end", SessionsApi.EndOneAsync);
        api.MapPost("/api/subjects/{key}/revoke", SessionsApi.RevokeAsync);
        api.MapPost("/api/subjects/revoke", TokensApi.RevokeSubjectAsync);
        api.MapPost("/api/tokens/revoke", TokensApi.RevokeTokenAsync);
        api.MapPost(SessionActions.EverybodyPath, SessionsApi.RevokeEverybodyAsync);
    }

    public static void Register(IServiceCollection services) =>
        services.AddSingleton<SessionsLog>().AddSingleton<SessionActions>().AddSingleton<SessionsPage>().AddSingleton<SessionsApi>()
            .AddSingleton<TokensApi>();
}
