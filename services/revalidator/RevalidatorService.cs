using EventAuth.Adapters.Hosting;
using EventAuth.Adapters.Messaging;
using EventAuth.Adapters.Postgres;
using EventAuth.Adapters.Refresh;
using EventAuth.Adapters.Settings;

namespace EventAuth.Revalidator;

/// <summary>Builds the service that speaks for time, top to bottom.</summary>
public static class RevalidatorService
{
    public static WebApplication Build(EventAuthSettings settings, TimeProvider clock) =>
        ServiceHost.Build(settings, clock, services =>
        {
            BusSetup.Add(services, settings, addConsumers: null);
            services.AddSingleton<SweepSignal>().AddSingleton<Sweeps>().AddSingleton<Revocations>();
            services.AddSingleton<RefreshWaiters>().AddSingleton<RefreshSession>().AddHostedService<FinishRefreshes>();
            services.AddSingleton<DueSessions>().AddSingleton<DueOverview>().AddSingleton<ProviderHealth>().AddSingleton<StorePause>();
            services.AddSingleton<ProviderQuestion>().AddSingleton<SessionCheck>();
            services.AddHostedService<RevalidationLoop>();
            services.AddHostedService<RevokedSessionSweep>();
        }, NothingPublic);

    private static void NothingPublic(WebApplication app) => app.Run(http =>
    {
        http.Response.Headers.CacheControl = "no-store";
        http.Response.StatusCode = StatusCodes.Status404NotFound;
        return Task.CompletedTask;
    });
}
