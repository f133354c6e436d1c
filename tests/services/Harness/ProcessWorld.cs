using System.Net;
using EventAuth.Guarantee.Processes;
using EventAuth.StubIdp;

namespace EventAuth.Services.Tests.Harness;

/// <summary>
/// Gateways and the logout service as processes of their own, over a store of their own, so that they can be killed and
/// frozen. The IdP runs in this process.
/// </summary>
internal sealed class ProcessWorld : IAsyncDisposable
{
    private static readonly TimeSpan StartLimit = TimeSpan.FromSeconds(60);
    private readonly string _folder = Directory.CreateTempSubdirectory("eventauth-faults-").FullName;
    private readonly Dictionary<string, string> _settings;

    private ProcessWorld(TestStore store, StubProvider idp, IReadOnlyDictionary<string, string>? settings)
    {
        (Store, Idp) = (store, idp);
        _settings = World.DefaultSettings(store.ConnectionString, idp);
        _settings["revalidation.interval"] = "0s";
        Put(_settings, settings);
    }

    public TestStore Store { get; }

    public StubProvider Idp { get; }

    public List<ServiceProcess> Gateways { get; } = [];

    public ServiceProcess Logout { get; private set; } = null!;

    /// <param name="settings">For all services.</param>
    /// <param name="logout">For the logout service only.</param>
    public static async Task<ProcessWorld> StartAsync(
        string purpose, int gateways, IReadOnlyDictionary<string, string>? settings = null, IReadOnlyDictionary<string, string>? logout = null,
        StubOptions? idp = null)
    {
        var world = new ProcessWorld(await TestStore.CreateAsync(purpose), await StubProvider.StartAsync(idp), settings);
        for (var i = 0; i < gateways; i++)
        {
            world.AddGateway();
        }

        world.Logout = world.Start("Logout", "logout", logout);
        await Task.WhenAll(world.Gateways.Append(world.Logout).Select(ReadyAsync));
        return world;
    }

    /// <summary>Starts one more gateway; it is not ready yet.</summary>
    public ServiceProcess AddGateway(
        string? failpoints = null, IReadOnlyDictionary<string, string>? settings = null, IReadOnlyList<string>? wrapper = null)
    {
        Gateways.Add(Start("Gateway", $"gateway-{Gateways.Count + 1}", settings, failpoints, wrapper));
        return Gateways[^1];
    }

    /// <summary>Waits until a service may be asked.</summary>
    public static Task ReadyAsync(ServiceProcess service) => service.WaitUntilReadyAsync(StartLimit, CancellationToken.None);

    /// <summary>Kills it if need be, starts it with these failpoints and waits until it may be asked.</summary>
    public static async Task RestartAsync(ServiceProcess service, string failpoints = "")
    {
        await service.KillAsync();
        service.StartAgain(failpoints);
        await ReadyAsync(service);
    }

    /// <summary>Waits until it has died by itself, of a failpoint.</summary>
    public static Task DiedAsync(ServiceProcess service) => service.WaitForExitAsync(CancellationToken.None).WaitAsync(StartLimit);

    public Browser NewBrowser() => new(i => Gateways[i].Public);

    /// <summary>A browser in which somebody has just signed in at a gateway.</summary>
    public async Task<Browser> SignInAsync(string sub, int gateway = 0)
    {
        Idp.SignInAs(new StubUser(sub));
        var browser = NewBrowser();
        Assert.Equal(HttpStatusCode.OK, (await browser.OpenAsync("/x", gateway)).StatusCode);
        return browser;
    }

    /// <summary>Sends a logout token to the webhook; the answer's status, 0 when the connection broke.</summary>
    public async Task<int> SendAsync(string token)
    {
        try
        {
            return await Idp.PostLogoutTokenAsync(new Uri(Logout.Public, "/backchannel-logout"), token, CancellationToken.None);
        }
        catch (HttpRequestException)
        {
            return 0;
        }
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var service in Gateways.Append(Logout))
        {
            await service.DisposeAsync();
        }

        await Idp.DisposeAsync();
        await Store.DisposeAsync();
        Directory.Delete(_folder, recursive: true);
    }

    private ServiceProcess Start(
        string service, string name, IReadOnlyDictionary<string, string>? own, string? failpoints = null, IReadOnlyList<string>? wrapper = null)
    {
        var settings = new Dictionary<string, string>(_settings, StringComparer.OrdinalIgnoreCase)
        {
            ["listen.public"] = $"http://127.0.0.1:{Ports.Free()}",
            ["listen.operations"] = $"http://127.0.0.1:{Ports.Free()}",
            // Names the queue on a broker that other tests use too.
            ["instance"] = $"{name}-{Path.GetFileName(_folder)}",
        };
        Put(settings, own);
        return ServiceProcess.Start(new ServiceStart(name, service, settings, _folder) { Failpoints = failpoints ?? "", Wrapper = wrapper ?? [] });
    }

    private static void Put(Dictionary<string, string> settings, IReadOnlyDictionary<string, string>? more)
    {
        foreach (var (key, value) in more ?? new Dictionary<string, string>())
        {
            settings[key] = value;
        }
    }
}

/// <summary>One world of processes for the tests of a class.</summary>
public abstract class ProcessWorldFixture : IAsyncLifetime
{
    private ProcessWorld? _world;

    internal ProcessWorld World => _world ?? throw new InvalidOperationException("there is no store to test with");

    public async Task InitializeAsync() => _world = CanStart ? await StartAsync() : null;

    public async Task DisposeAsync()
    {
        if (_world is not null)
        {
            await _world.DisposeAsync();
        }
    }

    internal virtual bool CanStart => TestStore.IsConfigured;

    internal abstract Task<ProcessWorld> StartAsync();
}
