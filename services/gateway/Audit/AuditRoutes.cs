using EventAuth.Adapters.Postgres;
using EventAuth.Gateway.Pages;

namespace EventAuth.Gateway.Audit;

/// <summary>Where the record is read, and what that needs.</summary>
internal static class AuditRoutes
{
    public static void Map(IEndpointRouteBuilder routes)
    {
        var api = routes.MapGroup("").WithProblems();
        api.MapGet("/api/audit/sessions/{id}", AuditApi.SessionAsync);
        api.MapGet("/api/audit/subjects/{key}", AuditApi.SubjectAsync);
        api.MapGet("/api/audit/events", AuditApi.EventsAsync);
        api.MapGet("/revocations/{position}", RevocationProgress.GetAsync);
    }

    /// <summary>Also what the sessions page needs to find people.</summary>
    public static void Register(IServiceCollection services) =>
        services.AddSingleton<AuditQueries>().AddSingleton<AuditLog>().AddSingleton<AuditApi>()
            .AddSingleton<Replicas>().AddSingleton<RevocationProgress>();
}
