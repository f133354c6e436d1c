using System.Diagnostics;
using System.Net;
using EventAuth.Guarantee.Links;
using EventAuth.Services.Tests.Harness;
using EventAuth.StubIdp;
using Npgsql;

namespace EventAuth.Services.Tests.Faults;

/// <summary>Two gateways; the second has links of its own to store and broker, which break one at a time.</summary>
public sealed class LinkTests : IAsyncLifetime
{
    private static readonly TimeSpan Bound = TimeSpan.FromSeconds(3);
    private TestStore? _store;
    private TcpProxy? _storeLink;
    private TcpProxy? _brokerLink;
    private World? _world;

    public async Task InitializeAsync()
    {
        if (!TestBroker.IsConfigured)
        {
            return;
        }

        _store = await TestStore.CreateAsync("links");
        var server = new NpgsqlConnectionStringBuilder(_store.ConnectionString);
        var broker = new Uri(TestBroker.Url);
        _storeLink = new TcpProxy(server.Host!, server.Port);
        _brokerLink = new TcpProxy(broker.Host, broker.Port);
        (server.Host, server.Port) = ("127.0.0.1", _storeLink.Port);
        _world = await World.StartAsync(_store, settings: new Dictionary<string, string>
        {
            ["rabbitmq.url"] = TestBroker.Url,
            ["revocation.bound"] = "3s",
            ["revocation.pollInterval"] = "500ms",
        });
        await _world.AddGatewayAsync("gateway-apart", settings: new Dictionary<string, string>
        {
            ["postgres.connectionString"] = server.ConnectionString,
            ["rabbitmq.url"] = new UriBuilder(broker) { Host = "127.0.0.1", Port = _brokerLink.Port }.Uri.ToString(),
        });
    }

    public async Task DisposeAsync()
    {
        await (_world?.DisposeAsync() ?? default);
        await (_storeLink?.DisposeAsync() ?? default);
        await (_brokerLink?.DisposeAsync() ?? default);
        await (_store?.DisposeAsync() ?? default);
    }

    // F34: the bus only makes it fast.
    [WithBrokerTheory]
    [InlineData(nameof(Link.Cut))]
    [InlineData(nameof(Link.Blackhole))]
    [InlineData(nameof(Link.LosesAnswers))]
    public async Task Apart_from_the_broker_only_a_gateway_stays_ready_and_hears_of_a_logout_within_the_bound(string fault)
    {
        var browser = await SignedInAsync("broker-only");
        _brokerLink!.Link = Enum.Parse<Link>(fault);

        await LogOutAsync("broker-only");

        await Until.TrueAsync("both gateways refuse", async () => await RefusesAsync(browser, 0) && await RefusesAsync(browser, 1), Bound);
        Assert.True(await _world!.Gateways[1].IsReadyAsync());
    }

    // F34: messages of the bus still arrive and say "read the feed"; that is no knowledge, and the lease lapses.
    [WithBrokerFact]
    public async Task Apart_from_the_store_only_a_gateway_says_503_after_the_bound_although_messages_arrive()
    {
        var (alice, bob) = (await SignedInAsync("store-only"), await SignedInAsync("store-only-bystander"));
        _storeLink!.Link = Link.Blackhole;
        var since = Stopwatch.GetTimestamp();

        await LogOutAsync("store-only");
        var committed = Stopwatch.GetTimestamp();
        HttpStatusCode last;
        TimeSpan lastAllow = default;
        do
        {
            var startedAt = Stopwatch.GetTimestamp();
            last = (await alice.CallAsync(gateway: 1)).StatusCode;
            lastAllow = last == HttpStatusCode.OK ? Stopwatch.GetElapsedTime(committed, startedAt) : lastAllow;
        }
        while (last == HttpStatusCode.OK && Stopwatch.GetElapsedTime(committed) < Bound + Bound);

        Assert.Equal(HttpStatusCode.ServiceUnavailable, last);
        Assert.True(lastAllow <= Bound, $"let in {lastAllow} after the commit");
        Assert.True(Stopwatch.GetElapsedTime(since) > TimeSpan.FromSeconds(1), "it did not answer from memory at all");
        Assert.Equal(HttpStatusCode.ServiceUnavailable, (await bob.CallAsync(gateway: 1)).StatusCode);
        Assert.Equal((HttpStatusCode.Unauthorized, HttpStatusCode.OK), ((await alice.CallAsync()).StatusCode, (await bob.CallAsync()).StatusCode));

        _storeLink.Link = Link.Forwards;
        await Until.TrueAsync("the bystander passes again", async () => (await bob.CallAsync(gateway: 1)).StatusCode == HttpStatusCode.OK);
        Assert.Equal(HttpStatusCode.Unauthorized, (await alice.CallAsync(gateway: 1)).StatusCode);
    }

    // F15: every answer of the store comes 300 ms late.
    [WithBrokerFact]
    public async Task With_a_slow_store_memory_answers_at_once_and_the_lease_holds()
    {
        var browser = await SignedInAsync("slow");
        var stranger = await _world!.SignInAsync(new StubUser("slow-stranger"));
        _storeLink!.Delay = TimeSpan.FromMilliseconds(300);

        var (times, since) = (new List<TimeSpan>(), Stopwatch.GetTimestamp());
        while (Stopwatch.GetElapsedTime(since) < Bound + Bound)
        {
            var startedAt = Stopwatch.GetTimestamp();
            Assert.Equal(HttpStatusCode.OK, (await browser.CallAsync(gateway: 1)).StatusCode);
            times.Add(Stopwatch.GetElapsedTime(startedAt));
            await Task.Delay(5);
        }

        // Not the slowest: this machine does other things too. Whoever asked the store would wait 300 ms each time.
        var usual = times.Order().ElementAt(times.Count * 9 / 10);
        Assert.True(usual < TimeSpan.FromMilliseconds(300), $"nine of ten answers from memory took up to {usual}");
        var asked = Stopwatch.GetTimestamp();
        Assert.Equal(HttpStatusCode.OK, (await stranger.CallAsync(gateway: 1)).StatusCode);
        Assert.True(Stopwatch.GetElapsedTime(asked) < TimeSpan.FromSeconds(2), $"an answer from the store took {Stopwatch.GetElapsedTime(asked)}");

        await LogOutAsync("slow");
        await Until.TrueAsync("it refuses", () => RefusesAsync(browser, 1), Bound);
        Assert.True(await _world!.Gateways[1].IsReadyAsync());
    }

    private async Task<Browser> SignedInAsync(string sub)
    {
        var browser = await _world!.SignInAsync(new StubUser(sub));
        Assert.Equal(HttpStatusCode.OK, (await browser.CallAsync(gateway: 1)).StatusCode);
        return browser;
    }

    private async Task LogOutAsync(string sub) => Assert.Equal(200, await _world!.Idp.SendLogoutTokenAsync(
        new Uri(_world.Logout.Public, "/backchannel-logout"), sub, null, CancellationToken.None));

    private static async Task<bool> RefusesAsync(Browser browser, int gateway) =>
        (await browser.CallAsync(gateway: gateway)).StatusCode == HttpStatusCode.Unauthorized;
}
