using System.Net;
using System.Security.Cryptography;
using EventAuth.Adapters.Settings;
using EventAuth.Gateway;
using EventAuth.Logout;
using EventAuth.Revalidator;
using EventAuth.StubIdp;
using Microsoft.AspNetCore.Builder;

namespace EventAuth.Services.Tests.Harness;

/// <summary>
/// The real services in this process, on ports of their own, with real Postgres and the scriptable IdP. Gateways are reached
/// as a proxy reaches them; the public URL is only a name that the <see cref="Browser"/> translates.
/// </summary>
internal sealed class World : IAsyncDisposable
{
    public const string PublicUrl = "http://localhost:8080";
    public const string Host = "localhost:8080";

    private readonly List<WebApplication> _apps = [];
    private readonly Dictionary<string, string> _settings;

    private World(StubProvider idp, Dictionary<string, string> settings)
    {
        Idp = idp;
        _settings = settings;
    }

    public StubProvider Idp { get; }

    public List<ServiceUnderTest> Gateways { get; } = [];

    public ServiceUnderTest Logout { get; private set; } = null!;

    public ServiceUnderTest? Revalidator { get; private set; }

    /// <param name="settings">Over the usual ones; <c>{idp}</c> in a value is the IdP's issuer.</param>
    public static async Task<World> StartAsync(
        TestStore store, int gateways = 1, StubOptions? idp = null, bool revalidator = false,
        IReadOnlyDictionary<string, string>? settings = null, TimeProvider? clock = null)
    {
        var stub = await StubProvider.StartAsync(idp);
        var world = new World(stub, DefaultSettings(store.ConnectionString, stub));
        foreach (var (key, value) in settings ?? new Dictionary<string, string>())
        {
            world._settings[key] = value.Replace("{idp}", stub.Issuer, StringComparison.Ordinal);
        }

        for (var i = 1; i <= gateways; i++)
        {
            await world.AddGatewayAsync($"gateway-{i}", clock);
        }

        world.Logout = await world.RunAsync(s => LogoutService.Build(s, clock ?? TimeProvider.System), "logout");
        if (revalidator)
        {
            world.Revalidator = await world.RunAsync(s => RevalidatorService.Build(s, clock ?? TimeProvider.System), "revalidator");
        }

        return world;
    }

    /// <param name="settings">What this gateway has of its own, a link that can break for example.</param>
    public async Task<ServiceUnderTest> AddGatewayAsync(
        string name, TimeProvider? clock = null, IReadOnlyDictionary<string, string>? settings = null)
    {
        var gateway = await RunAsync(s => GatewayHost.Build(s, clock ?? TimeProvider.System), name, settings);
        Gateways.Add(gateway);
        return gateway;
    }

    public Browser NewBrowser() => new(i => Gateways[i].Public);

    /// <summary>A browser in which somebody has just signed in.</summary>
    public async Task<Browser> SignInAsync(StubUser user)
    {
        Idp.SignInAs(user);
        var browser = NewBrowser();
        Assert.Equal(HttpStatusCode.OK, (await browser.OpenAsync("/x")).StatusCode);
        return browser;
    }

    public async ValueTask DisposeAsync()
    {
        await Task.WhenAll(_apps.Select(async app =>
        {
            using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(3));
            await app.StopAsync(limit.Token);
            await app.DisposeAsync();
        }));
        await Idp.DisposeAsync();
    }

    private async Task<ServiceUnderTest> RunAsync(
        Func<EventAuthSettings, WebApplication> build, string name, IReadOnlyDictionary<string, string>? own = null)
    {
        var settings = new Dictionary<string, string>(_settings, StringComparer.OrdinalIgnoreCase) { ["instance"] = name };
        foreach (var (key, value) in own ?? new Dictionary<string, string>())
        {
            settings[key] = value;
        }

        var app = build(SettingsRules.Read(settings));
        _apps.Add(app);
        await app.StartAsync();
        var service = new ServiceUnderTest(name, new Uri(app.Urls.First()), new Uri(app.Urls.Last()), app.Services);
        await Until.TrueAsync($"{name} is ready", service.IsReadyAsync);
        return service;
    }

    /// <summary>What every service of a test is started with, in this process or as one of its own.</summary>
    internal static Dictionary<string, string> DefaultSettings(string connectionString, StubProvider idp) => new(StringComparer.OrdinalIgnoreCase)
    {
        ["publicUrl"] = PublicUrl,
        ["listen.public"] = "http://127.0.0.1:0",
        ["listen.operations"] = "http://127.0.0.1:0",
        ["listen.inlineScheduling"] = "false",
        ["listen.drain"] = "0s",
        ["postgres.connectionString"] = connectionString,
        ["providers.0.issuer"] = idp.Issuer,
        ["providers.0.clientId"] = idp.Options.ClientId,
        ["providers.0.clientSecret"] = idp.Options.ClientSecret,
        ["secrets.tokenKeys.0.id"] = "k1",
        ["secrets.tokenKeys.0.key"] = Convert.ToBase64String(SHA256.HashData("tests only"u8)),
        ["rules.0.host"] = "localhost",
        ["rules.0.path"] = "/public",
        ["rules.0.access"] = "public",
        ["rules.1.host"] = "localhost",
        ["rules.1.path"] = "/admin",
        ["rules.1.groups"] = "admins",
        ["rules.2.host"] = "localhost",
        ["rules.2.path"] = "/api/audit",
        ["rules.2.groups"] = "admins",
        ["rules.3.host"] = "localhost",
        ["rules.3.path"] = "/api/sessions",
        ["rules.3.groups"] = "admins",
        ["rules.4.host"] = "localhost",
        ["rules.4.access"] = "authenticated",
        ["log.level"] = "error",
    };
}

/// <summary>A running service.</summary>
internal sealed record ServiceUnderTest(string Name, Uri Public, Uri Operations, IServiceProvider Services)
{
    private static readonly HttpClient Http = new();

    public async Task<bool> IsReadyAsync()
    {
        using var answer = await Http.GetAsync(new Uri(Operations, "/readyz"));
        return answer.StatusCode == HttpStatusCode.OK;
    }
}
