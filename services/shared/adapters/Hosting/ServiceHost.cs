using System.Net;
using System.Security.Cryptography.X509Certificates;
using EventAuth.Adapters.Messaging;
using EventAuth.Adapters.Oidc;
using EventAuth.Adapters.Postgres;
using EventAuth.Adapters.Secrets;
using EventAuth.Adapters.Sessions;
using EventAuth.Adapters.Settings;
using EventAuth.Adapters.Telemetry;
using MassTransit;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Serilog;
using Serilog.Events;
using Serilog.Formatting.Json;

namespace EventAuth.Adapters.Hosting;

/// <summary>What all three services have in common: settings, log, listeners, operations endpoints, orderly stop.</summary>
public static class ServiceHost
{
    /// <summary>Traefik sends us all headers of every request, the application's cookies too.</summary>
    private const int HeaderLimit = 64 * 1024;

    private const int BodyLimit = 64 * 1024;

    /// <summary>More than all connections to the store: the library blocks a thread each while it gives up on a silent one.</summary>
    private const int Threads = 64;

    /// <summary>Builds a service. The caller adds its own services and says what answers on the public listener.</summary>
    public static WebApplication Build(
        EventAuthSettings settings,
        TimeProvider clock,
        Action<IServiceCollection> addServices,
        Action<WebApplication> answerPublic)
    {
        ThreadPool.GetMinThreads(out var workers, out var completions);
        ThreadPool.SetMinThreads(Math.Max(workers, Threads), completions);
        var builder = WebApplication.CreateSlimBuilder(new WebApplicationOptions { Args = [] });
        builder.Services.AddSingleton(settings).AddSingleton(clock);
        AddLog(builder, settings.Log);
        AddShared(builder.Services, settings, clock);
        addServices(builder.Services);
        Listen(builder, settings.Listen);

        var app = builder.Build();
        var operationsPort = Port(settings.Listen.Operations);
        app.MapWhen(http => IsOperations(app, http.Connection.LocalPort, operationsPort), branch =>
            Operations.Map(branch, app.Services.GetRequiredService<ServiceState>(), app.Services.GetRequiredService<PrometheusText>()));
        answerPublic(app);
        Describe(app.Services, settings, clock);
        return app;
    }

    private static void Describe(IServiceProvider services, EventAuthSettings settings, TimeProvider clock)
    {
        var startedAt = clock.GetUtcNow();
        var (schema, bus, relay) = (services.GetRequiredService<Schema>(), services.GetService<IBusControl>(), services.GetService<RelayState>());
        var underTest = services.GetRequiredService<Failpoints>().Alive;
        if (underTest)
        {
            services.GetRequiredService<ILogger<ServiceState>>().UnderTest();
        }

        services.GetRequiredService<ServiceState>().Show("service", () => new
        {
            settings.Instance,
            startedAt,
            storeFound = schema.Applied.IsCompleted,
            broker = bus?.CheckHealth().Status.ToString() ?? "not configured",
            publishing = relay is null ? null : relay.FailingSince is null ? "ok" : "failing",
            publishingFailsSince = relay?.FailingSince,
            outboxBacklog = relay?.Backlog,
            underTest,
        });
    }

    private static void AddShared(IServiceCollection services, EventAuthSettings settings, TimeProvider clock)
    {
        services.AddSingleton<ServiceState>().AddSingleton<Metrics>().AddSingleton(Failpoints.FromEnvironment());
        services.AddSingleton(p => new PrometheusText(p.GetRequiredService<Metrics>().Meter));
        services.AddSingleton(new Database(settings.Postgres));
        services.AddSingleton<Schema>().AddSingleton<SessionIndex>().AddSingleton<RevocationFeed>().AddSingleton<Outbox>();
        services.AddSingleton<TokenStore>().AddSingleton<LoginAttempts>();
        services.AddSingleton<IEventStore, EventStore>().AddSingleton<SessionService>();
        services.AddSingleton(new TokenVault(settings.TokenKeys));
        services.AddSingleton(ProviderDirectory.Build(settings.Providers, clock));
        services.AddHostedService<SchemaStartup>().AddHostedService<DrainBeforeStop>().AddHostedService<ClockCheck>()
            .AddHostedService<DurabilityCheck>();
        services.Configure<HostOptions>(o => o.ShutdownTimeout = settings.Listen.Drain + settings.Refresh.Lease + TimeSpan.FromSeconds(5));
    }

    // To the bus library a broker that is away is a page of stack at every try to connect and to publish. Our own lines say what
    // there is to say: BrokerWatch, OutboxRelay, UnreadableMessages.
    private static void AddLog(WebApplicationBuilder builder, LogSettings log)
    {
        var serilog = new LoggerConfiguration().MinimumLevel.Is(Enum.Parse<LogEventLevel>(log.Level, ignoreCase: true))
            .MinimumLevel.Override("Microsoft", LogEventLevel.Warning)
            .MinimumLevel.Override("MassTransit", LogEventLevel.Fatal)
            .MinimumLevel.Override("Npgsql", LogEventLevel.Warning);
        serilog = log.Format == "json"
            ? serilog.WriteTo.Console(new JsonFormatter(renderMessage: true))
            : serilog.WriteTo.Console(outputTemplate: "{Timestamp:HH:mm:ss.fff} {Level:u3} {Message:lj}{NewLine}{Exception}",
                formatProvider: System.Globalization.CultureInfo.InvariantCulture);
        builder.Logging.ClearProviders().AddSerilog(serilog.CreateLogger(), dispose: true);
    }

    private static void Listen(WebApplicationBuilder builder, ListenSettings listen)
    {
        builder.WebHost.UseKestrelHttpsConfiguration();
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            kestrel.Limits.MaxRequestHeadersTotalSize = HeaderLimit;
            kestrel.Limits.MaxRequestLineSize = HeaderLimit;
            kestrel.Limits.MaxRequestBodySize = BodyLimit;
            kestrel.Limits.RequestHeadersTimeout = TimeSpan.FromSeconds(10);
            Bind(kestrel, listen.Public, listen);
            Bind(kestrel, listen.Operations, listen);
        });
        if (listen.InlineScheduling)
        {
            builder.Services.Configure<SocketTransportOptions>(o => o.UnsafePreferInlineScheduling = true);
        }
    }

    private static void Bind(KestrelServerOptions kestrel, string address, ListenSettings listen)
    {
        var url = new Uri(address);
        void Configure(ListenOptions options)
        {
            options.Protocols = url.Scheme == "https" ? HttpProtocols.Http1AndHttp2 : HttpProtocols.Http1;
            if (url.Scheme == "https")
            {
                using var pem = X509Certificate2.CreateFromPemFile(listen.CertificateFile!, listen.KeyFile);
                options.UseHttps(X509CertificateLoader.LoadPkcs12(pem.Export(X509ContentType.Pkcs12), null));
            }
        }

        if (url.Host == "localhost" && url.Port != 0)
        {
            kestrel.ListenLocalhost(url.Port, Configure);
        }
        else
        {
            kestrel.Listen(url.Host == "localhost" ? IPAddress.Loopback : IPAddress.Parse(url.Host.Trim('[', ']')), url.Port, Configure);
        }
    }

    private static int Port(string address) => new Uri(address).Port;

    // With port 0 (tests) the second address is the operations listener.
    private static bool IsOperations(WebApplication app, int localPort, int configured) =>
        configured != 0 ? localPort == configured : app.Urls.Count > 1 && localPort == new Uri(app.Urls.Last()).Port;
}
