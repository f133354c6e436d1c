using System.Diagnostics.Metrics;
using EventAuth.Adapters.Hosting;
using EventAuth.Adapters.Messaging;
using EventAuth.Adapters.Oidc;
using EventAuth.Adapters.Postgres;
using EventAuth.Adapters.Refresh;
using EventAuth.Adapters.Settings;
using EventAuth.Adapters.Telemetry;
using EventAuth.Domain.Access;
using EventAuth.Gateway.Audit;
using EventAuth.Gateway.Bearer;
using EventAuth.Gateway.Cache;
using EventAuth.Gateway.ForwardAuth;
using EventAuth.Gateway.Login;
using EventAuth.Gateway.Logout;
using EventAuth.Gateway.Sessions;

namespace EventAuth.Gateway;

/// <summary>Puts the gateway together, top to bottom; tests build it the same way.</summary>
public static class GatewayHost
{
    /// <summary>Sessions kept in memory: a million are some 200 MB.</summary>
    private const int CacheCapacity = 1_000_000;

    public static WebApplication Build(EventAuthSettings settings, TimeProvider clock)
    {
        var app = ServiceHost.Build(settings, clock, services => AddServices(services, settings, clock), Routes.Answer);
        Measure(app.Services);
        return app;
    }

    private static void AddServices(IServiceCollection services, EventAuthSettings settings, TimeProvider clock)
    {
        services.AddRouting();
        services.AddSingleton(new RevocationView(clock, settings.Revocation.Bound));
        var rested = new RestedSessions(settings.Revalidation.LetsRest ? settings.Revalidation.Interval : TimeSpan.Zero);
        services.AddSingleton(rested).AddSingleton(new SessionCache(CacheCapacity, rested)).AddHostedService<SessionWaker>();
        services.AddSingleton<PolicyLog>().AddSingleton<UnknownIds>().AddSingleton<SessionReader>().AddSingleton<Activity>().AddSingleton<Notifications>();
        services.AddSingleton<RefreshWaiters>().AddSingleton<ProviderHealth>().AddSingleton<RefreshSession>().AddHostedService<FinishRefreshes>();
        services.AddSingleton<StoreGrace>().AddSingleton<DueSessions>().AddSingleton<FeedRegression>();
        services.AddSingleton<FeedFollower>().AddHostedService(p => p.GetRequiredService<FeedFollower>());
        services.AddHostedService<ActivityWriter>().AddHostedService<PolicyRecorder>();
        services.AddSingleton(new ReturnHosts(settings.PublicUrl, settings.Policy));
        services.AddSingleton<TrustedProxies>().AddSingleton<SessionRenewal>().AddSingleton<DecisionCounts>();
        services.AddSingleton<AccessTokenChecks>(p => new AccessTokenChecks(settings.Bearer, p.GetRequiredService<ProviderDirectory>(), clock));
        services.AddSingleton<ClientFailures>().AddSingleton<TokenReader>().AddSingleton<BearerChallenge>().AddSingleton<BearerQuestions>();
        services.AddSingleton<AccessResponse>().AddSingleton<ForwardAuthEndpoint>();
        services.AddSingleton<SweepSignal>().AddSingleton<Revocations>();
        LoginRoutes.Register(services);
        LogoutRoutes.Register(services);
        SessionRoutes.Register(services);
        AuditRoutes.Register(services);
        BusSetup.Add(services, settings, bus => bus.AddConsumer<SessionChangedConsumer>(),
            readFeed: provider => provider.GetRequiredService<FeedFollower>().Hint());
    }

    private static void Measure(IServiceProvider services)
    {
        var metrics = services.GetRequiredService<Metrics>();
        var (view, cache) = (services.GetRequiredService<RevocationView>(), services.GetRequiredService<SessionCache>());
        metrics.Counter("eventauth_decisions_total", "Answers to proxies", services.GetRequiredService<DecisionCounts>().Read);
        metrics.Gauge("eventauth_sessions_cached", "Sessions in this replica's memory", () => cache.Count);
        var tokens = services.GetRequiredService<TokenReader>();
        metrics.Gauge("eventauth_access_tokens_cached", "Checked access tokens in this replica's memory", () => tokens.Count);
        metrics.Gauge("eventauth_revocations_known", "Revocations in this replica's memory", () => view.Count);
        metrics.Gauge("eventauth_feed_position", "Feed position applied by this replica", () => view.Applied);
        metrics.Gauge("eventauth_feed_age_seconds", "Age of the last completed feed read; -1 before the first",
            () => view.Age?.TotalSeconds ?? -1);

        var (grace, regression) = (services.GetRequiredService<StoreGrace>(), services.GetRequiredService<FeedRegression>());
        metrics.Counter("eventauth_feed_regressions_total", "How often the store was found to be another one, or to have gone back",
            () => [new Measurement<long>(regression.Count)]);
        var settings = services.GetRequiredService<EventAuthSettings>();
        var (state, refreshes) = (services.GetRequiredService<ServiceState>(), services.GetRequiredService<RefreshSession>().Figures);
        state.Show("refresh", () => refreshes.Status);
        state.Show("revocations", () => new
        {
            appliedPosition = view.Applied,
            ageMilliseconds = (long?)view.Age?.TotalMilliseconds,
            boundMilliseconds = (long)settings.Revocation.Bound.TotalMilliseconds,
            leaseHolds = view.LeaseHolds,
            known = view.Count,
            sessionsCached = cache.Count,
            onStoreUnavailable = grace.Setting,
            inGrace = grace.Begun,
            regressedAt = regression.At,
        });
    }
}
