using System.Security.Cryptography;
using EventAuth.Guarantee.Links;
using EventAuth.Guarantee.Processes;
using EventAuth.StubIdp;

namespace EventAuth.Guarantee.Worlds;

/// <summary>One service and the links that lead from it to its servers; faults break them without the other services noticing.</summary>
internal sealed record Replica(ServiceProcess Process, TcpProxy Store, TcpProxy? Broker) : IAsyncDisposable
{
    public async ValueTask DisposeAsync()
    {
        await Process.DisposeAsync();
        await Store.DisposeAsync();
        await (Broker?.DisposeAsync() ?? default);
    }
}

/// <summary>
/// A whole system of our own: Postgres, RabbitMQ, an IdP in this process, gateways and a logout service as processes.
/// </summary>
internal sealed class World : IAsyncDisposable
{
    public const string Administrator = "administrator";

    /// <summary>Only a name: nobody listens there.</summary>
    public static readonly Uri PublicUrl = new("http://localhost:8080");

    private static readonly TimeSpan ReadyLimit = TimeSpan.FromSeconds(60);

    private World(Infrastructure servers, StubProvider idp) => (Servers, Idp) = (servers, idp);

    public Infrastructure Servers { get; }

    public StubProvider Idp { get; }

    public List<Replica> Gateways { get; } = [];

    public Replica Logout { get; private set; } = null!;

    public Uri Webhook => new(Logout.Process.Public, "/backchannel-logout");

    /// <exception cref="InvalidOperationException">Something did not start; the message holds what it printed.</exception>
    public static async Task<World> StartAsync(WorldPlan plan, CancellationToken ct)
    {
        var servers = await Infrastructure.StartAsync(plan.Broker, ct);

        var world = new World(servers, await StubProvider.StartAsync(plan.Idp));
        try
        {
            var port = Infrastructure.FreePorts(2 * (plan.Gateways + 1));
            for (var i = 0; i < plan.Gateways; i++)
            {
                world.Gateways.Add(world.StartService($"gateway-{i + 1}", "Gateway", port + (2 * i), plan));
            }

            world.Logout = world.StartService("logout", "Logout", port + (2 * plan.Gateways), plan);
            await Task.WhenAll(world.All.Select(r => r.Process.WaitUntilReadyAsync(ReadyLimit, ct)));
            return world;
        }
        catch
        {
            await world.DisposeAsync();
            throw;
        }
    }

    public IEnumerable<Replica> All => Logout is null ? Gateways : [.. Gateways, Logout];

    /// <summary>Waits until a service that was started again may be asked.</summary>
    public static Task ReadyAsync(Replica replica, CancellationToken ct) => replica.Process.WaitUntilReadyAsync(ReadyLimit, ct);

    public async ValueTask DisposeAsync()
    {
        await Task.WhenAll(All.Select(r => r.DisposeAsync().AsTask()));
        await Idp.DisposeAsync();
        await Servers.DisposeAsync();
    }

    private Replica StartService(string name, string service, int port, WorldPlan plan)
    {
        var store = new TcpProxy(Servers.Postgres.Host!, Servers.Postgres.Port);
        var broker = Servers.Amqp is { } amqp ? new TcpProxy(amqp.Host, amqp.Port) : null;
        var settings = SettingsOf(name, port, store, broker);
        if (!plan.Links)
        {
            settings["postgres.connectionString"] = Servers.Postgres.ConnectionString;
            settings["rabbitmq.url"] = Servers.Amqp?.ToString() ?? "";
        }

        foreach (var (key, value) in plan.Settings)
        {
            settings[key] = value;
        }

        var start = new ServiceStart(name, service, settings, Servers.Folder) { Failpoints = service == "Gateway" ? plan.GatewayFailpoints : null };
        return new Replica(ServiceProcess.Start(start), store, broker);
    }

    private Dictionary<string, string> SettingsOf(string name, int port, TcpProxy store, TcpProxy? broker)
    {
        var postgres = new Npgsql.NpgsqlConnectionStringBuilder(Servers.Postgres.ConnectionString) { Host = "127.0.0.1", Port = store.Port };
        return new Dictionary<string, string>
        {
            ["instance"] = name,
            ["publicUrl"] = PublicUrl.ToString(),
            ["listen.public"] = $"http://127.0.0.1:{port}",
            ["listen.operations"] = $"http://127.0.0.1:{port + 1}",
            ["listen.drain"] = "0s",
            ["postgres.connectionString"] = postgres.ConnectionString,
            ["rabbitmq.url"] = broker is null ? "" : $"amqp://{Servers.Amqp!.UserInfo}@127.0.0.1:{broker.Port}",
            ["providers.0.issuer"] = Idp.Issuer,
            ["providers.0.clientId"] = Idp.Options.ClientId,
            ["providers.0.clientSecret"] = Idp.Options.ClientSecret,
            ["secrets.tokenKeys.0.id"] = "k1",
            ["secrets.tokenKeys.0.key"] = Convert.ToBase64String(SHA256.HashData("the guarantee's world"u8)),
            ["rules.0.host"] = "localhost",
            ["rules.0.path"] = "/api/audit",
            ["rules.0.users"] = Administrator,
            ["rules.1.host"] = "localhost",
            ["rules.1.access"] = "authenticated",
            ["log.level"] = "warning",
        };
    }
}

/// <summary>How a world is to be.</summary>
/// <param name="Settings">Instead of the usual ones, for every service.</param>
/// <param name="GatewayFailpoints">See <c>Failpoints</c>; to break the gateways on purpose.</param>
internal sealed record WorldPlan(int Gateways, bool Broker, IReadOnlyDictionary<string, string> Settings, string? GatewayFailpoints)
{
    /// <summary>Whether services reach their servers by links that can be broken; without, those cost this process no time.</summary>
    public bool Links { get; init; } = true;

    /// <summary>How the IdP behaves. Usually tokens outlive the run: who renews them when is another matter, with its own tests.</summary>
    public StubOptions Idp { get; init; } = new() { AccessLifetime = TimeSpan.FromDays(1) };
}
