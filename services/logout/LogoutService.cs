using EventAuth.Adapters.Hosting;
using EventAuth.Adapters.Messaging;
using EventAuth.Adapters.Postgres;
using EventAuth.Adapters.Refresh;
using EventAuth.Adapters.Settings;
using EventAuth.Logout.Backchannel;
using EventAuth.Logout.Frontchannel;

namespace EventAuth.Logout;

/// <summary>Builds the service that IdPs speak to, top to bottom.</summary>
public static class LogoutService
{
    public static WebApplication Build(EventAuthSettings settings, TimeProvider clock) =>
        ServiceHost.Build(settings, clock, services =>
        {
            BusSetup.Add(services, settings, addConsumers: null);
            services.AddSingleton<SweepSignal>().AddSingleton<Sweeps>().AddSingleton<Revocations>();
            services.AddSingleton<TokenRevocations>().AddHostedService(p => p.GetRequiredService<TokenRevocations>());
            services.AddSingleton<OfflineAccess>().AddSingleton<EndSessions>().AddSingleton<BackchannelEndpoint>();
            services.AddSingleton<UnprovenLogout>().AddSingleton<FrontchannelEndpoint>();
            services.AddHostedService<RevokedSessionSweep>();
        }, Routes.Map);
}
