using EventAuth.Adapters.Hosting;
using EventAuth.Adapters.Sessions;

namespace EventAuth.Gateway.Pages;

/// <summary>What our pages and APIs say when the store does not answer: try again, never "no session".</summary>
internal static class StoreAway
{
    public static RouteGroupBuilder WithErrorPages(this RouteGroupBuilder group) =>
        group.AddEndpointFilter(async (context, next) =>
        {
            try
            {
                return await next(context);
            }
            catch (Exception e) when (IsAway(e) && !context.HttpContext.Response.HasStarted)
            {
                var http = context.HttpContext;
                await ErrorPage.WriteAsync(http, Problem.StoreAway, incident: null, link: null, http.RequestAborted);
                return Results.Empty;
            }
        });

    public static RouteGroupBuilder WithProblems(this RouteGroupBuilder group) =>
        group.AddEndpointFilter(async (context, next) =>
        {
            try
            {
                return await next(context);
            }
            catch (Exception e) when (IsAway(e) && !context.HttpContext.Response.HasStarted)
            {
                var away = Problem.StoreAway;
                await Problems.WriteAsync(context.HttpContext, away.Status, away.Code, away.Text);
                return Results.Empty;
            }
        });

    // Ten lost races in a row say "busy", which is for the caller the same.
    private static bool IsAway(Exception error) => error is StoreUnavailableException or StreamConflictException;
}
