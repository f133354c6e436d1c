using System.Net;
using System.Security.Cryptography;
using System.Text.Json;
using EventAuth.Adapters.Messaging;
using EventAuth.Guarantee.Links;
using EventAuth.Services.Tests.Harness;
using EventAuth.StubIdp;
using MassTransit;
using Microsoft.Extensions.DependencyInjection;
using RabbitMQ.Client;
using RabbitMQ.Client.Exceptions;

namespace EventAuth.Services.Tests.Faults;

/// <summary>One gateway with a queue of its own, the logout service, and a link to the broker that a test can break.</summary>
internal sealed class BusWorld : IAsyncDisposable
{
    /// <summary>Tests that share the broker's exchanges run one after the other: each hears what the others publish.</summary>
    public const string Collection = "broker";

    private static readonly HttpClient Http = new();
    private readonly TestStore _store;

    private BusWorld(TestStore store, TcpProxy link, World world, ServiceUnderTest gateway)
    {
        (_store, Link, World, Gateway) = (store, link, world, gateway);
        Bus.ConnectConsumeObserver(Heard);
    }

    public TcpProxy Link { get; }

    public World World { get; }

    public ServiceUnderTest Gateway { get; }

    public TestStore Store => _store;

    public Heard Heard { get; } = new();

    public IBusControl Bus => Gateway.Services.GetRequiredService<IBusControl>();

    public string Queue => BusSetup.QueueOf(Gateway.Name);

    /// <param name="link">What the link to the broker does while everything starts.</param>
    public static async Task<BusWorld> StartAsync(string purpose, Link link = default, Dictionary<string, string>? settings = null)
    {
        var (store, broker) = (await TestStore.CreateAsync(purpose), new Uri(TestBroker.Url));
        var proxy = new TcpProxy(broker.Host, broker.Port);
        proxy.Link = link;
        var all = new Dictionary<string, string>(settings ?? [])
        {
            ["rabbitmq.url"] = new UriBuilder(broker) { Host = "127.0.0.1", Port = proxy.Port }.Uri.ToString(),
        };
        all.TryAdd("revocation.bound", "2s");
        all.TryAdd("revocation.pollInterval", "200ms");

        // A name of its own: two replicas of one name would share a queue, also those of two tests.
        var world = await World.StartAsync(store, gateways: 0, settings: all);
        var gateway = await world.AddGatewayAsync($"{purpose}-{Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(4))}");
        return new BusWorld(store, proxy, world, gateway);
    }

    public Task HealthyAsync() => Until.TrueAsync("the gateway hears the broker", () => Bus.CheckHealth().Status == BusHealthStatus.Healthy);

    /// <summary>Back-channel logout; it must be taken, and without waiting for the broker.</summary>
    public async Task LogOutAsync(string sub)
    {
        var sent = World.Idp.SendLogoutTokenAsync(new Uri(World.Logout.Public, "/backchannel-logout"), sub, null, CancellationToken.None);
        Assert.Equal(200, await sent.WaitAsync(TimeSpan.FromSeconds(1.5)));
    }

    public static Task RefusedAsync(Browser browser, TimeSpan within) => Until.TrueAsync("the gateway refuses",
        async () => (await browser.CallAsync()).StatusCode == HttpStatusCode.Unauthorized, within);

    public Task<Browser> SignInAsync(string sub) => World.SignInAsync(new StubUser(sub));

    public static async Task<JsonElement> StatusAsync(ServiceUnderTest service)
    {
        using var status = JsonDocument.Parse(await Http.GetStringAsync(new Uri(service.Operations, "/status")));
        return status.RootElement.GetProperty("service").Clone();
    }

    public static async Task<double> MetricAsync(ServiceUnderTest service, string series)
    {
        var text = await Http.GetStringAsync(new Uri(service.Operations, "/metrics"));
        var line = text.Split('\n').FirstOrDefault(l => l.StartsWith(series + " ", StringComparison.Ordinal));
        return line is null ? 0 : double.Parse(line[series.Length..], System.Globalization.CultureInfo.InvariantCulture);
    }

    /// <summary>A connection of a bystander, straight to the broker.</summary>
    public static Task<IConnection> ConnectAsync() => new ConnectionFactory { Uri = new Uri(TestBroker.Url) }.CreateConnectionAsync();

    /// <summary>Messages and consumers of a queue; null when there is none.</summary>
    public static async Task<QueueDeclareOk?> LookAsync(IConnection connection, string queue)
    {
        await using var channel = await connection.CreateChannelAsync();
        try
        {
            return await channel.QueueDeclarePassiveAsync(queue);
        }
        catch (OperationInterruptedException)
        {
            return null;
        }
    }

    public async ValueTask DisposeAsync()
    {
        Link.Link = default;
        await World.DisposeAsync();
        await Link.DisposeAsync();
        await using (var connection = await ConnectAsync())
        {
            await using var channel = await connection.CreateChannelAsync();
            await channel.QueueDeleteAsync(Queue);
            await channel.ExchangeDeleteAsync(Queue);
        }

        await _store.DisposeAsync();
    }
}

/// <summary>How many messages a gateway's consumers have taken.</summary>
internal sealed class Heard : IConsumeObserver
{
    private int _count;

    public int Count => Volatile.Read(ref _count);

    public Task PreConsume<T>(ConsumeContext<T> context) where T : class => Task.CompletedTask;

    public Task PostConsume<T>(ConsumeContext<T> context) where T : class
    {
        Interlocked.Increment(ref _count);
        return Task.CompletedTask;
    }

    public Task ConsumeFault<T>(ConsumeContext<T> context, Exception exception) where T : class => Task.CompletedTask;
}
