using System.Diagnostics;
using System.Net;
using System.Text.Json;
using EventAuth.Gateway.Cache;
using EventAuth.Guarantee.Links;
using EventAuth.Services.Tests.Harness;
using EventAuth.StubIdp;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Npgsql;

namespace EventAuth.Services.Tests.Guarantee;

/// <summary>revocation.onStoreUnavailable: grace(N): who may come in from memory while the store is away, and who may not.</summary>
public sealed class StoreGraceTests : IAsyncLifetime
{
    private static readonly HttpClient Http = new();
    private TestStore? _store;
    private TcpProxy? _link;

    public async Task InitializeAsync()
    {
        if (TestStore.IsConfigured)
        {
            _store = await TestStore.CreateAsync("grace");
            var server = new NpgsqlConnectionStringBuilder(_store.ConnectionString);
            _link = new TcpProxy(server.Host!, server.Port);
        }
    }

    public async Task DisposeAsync()
    {
        await (_link?.DisposeAsync() ?? default);
        await (_store?.DisposeAsync() ?? default);
    }

    [StoreFact]
    public async Task Only_who_lives_in_memory_is_let_in_at_once_and_it_is_shown_and_counted()
    {
        await using var world = await StartAsync("grace(10m)");
        var (alice, mallory) = (await world.SignInAsync(new StubUser("alice")), await world.SignInAsync(new StubUser("mallory")));
        var elsewhere = await SignInElsewhereAsync(world);
        Assert.Equal(HttpStatusCode.OK, (await mallory.CallAsync()).StatusCode);
        await world.Idp.SendLogoutTokenAsync(new Uri(world.Logout.Public, "/backchannel-logout"), "mallory", null, CancellationToken.None);
        await Until.TrueAsync("mallory is out", async () => (await mallory.CallAsync()).StatusCode == HttpStatusCode.Unauthorized);
        Assert.Equal(("grace(600s)", false), await StatusAsync(world));

        _link!.Link = Link.Blackhole;
        await Until.TrueAsync("the gateway lets in by grace", async () => (await StatusAsync(world)).InGrace);
        var started = Stopwatch.GetTimestamp();
        for (var i = 0; i < 50; i++)
        {
            Assert.Equal(HttpStatusCode.OK, (await alice.CallAsync()).StatusCode);
        }

        // Each of them would have waited two seconds for the store, which the feed's reader knows to be away.
        Assert.True(Stopwatch.GetElapsedTime(started) < TimeSpan.FromSeconds(10));
        Assert.NotEqual(HttpStatusCode.OK, (await mallory.CallAsync()).StatusCode);
        Assert.Equal(HttpStatusCode.ServiceUnavailable, (await elsewhere.CallAsync()).StatusCode);
        var minimum = await alice.VerifyAsync("/x", change: r => r.Headers.Add("X-Min-Position", "1"));
        Assert.Equal(HttpStatusCode.ServiceUnavailable, minimum.StatusCode);
        Assert.Contains("eventauth_decisions_total{decision=\"allowed_in_grace\"} 50", await TextAsync(world, "/metrics"), StringComparison.Ordinal);
        Assert.False(await world.Gateways[0].IsReadyAsync());
    }

    [StoreFact]
    public async Task When_the_grace_has_run_out_nobody_is_let_in_until_the_store_is_back()
    {
        await using var world = await StartAsync("grace(2s)");
        var alice = await world.SignInAsync(new StubUser("alice"));
        var view = world.Gateways[0].Services.GetRequiredService<RevocationView>();
        _link!.Link = Link.Cut;
        await Until.TrueAsync("the gateway answers 503", async () => (await alice.CallAsync()).StatusCode == HttpStatusCode.ServiceUnavailable);
        Assert.True(view.Age > TimeSpan.FromSeconds(3));
        Assert.False((await StatusAsync(world)).InGrace);

        _link.Link = Link.Forwards;
        await Until.TrueAsync("the session passes again", async () => (await alice.CallAsync()).StatusCode == HttpStatusCode.OK);
    }

    // Nobody can ask the IdP about a session whose tokens and whose end cannot be stored: a person who was removed must not come in for an hour more.
    [StoreFact]
    public async Task Whose_last_word_from_the_IdP_is_too_old_is_not_let_in_by_grace()
    {
        await using var world = await StartAsync("grace(10m)");
        var (alice, bob) = (await world.SignInAsync(new StubUser("alice")), await world.SignInAsync(new StubUser("bob")));
        await _store!.ExecuteAsync("update eventauth.session set verified_at = now() - interval '16 minutes' where sub = 'bob'");
        Assert.Equal(HttpStatusCode.OK, (await alice.CallAsync(gateway: 1)).StatusCode);
        Assert.Equal(HttpStatusCode.OK, (await bob.CallAsync(gateway: 1)).StatusCode);

        _link!.Link = Link.Cut;
        await Until.TrueAsync("the gateway lets in by grace", async () => (await StatusAsync(world, 1)).InGrace);
        Assert.Equal(HttpStatusCode.OK, (await alice.CallAsync(gateway: 1)).StatusCode);
        Assert.Equal(HttpStatusCode.ServiceUnavailable, (await bob.CallAsync(gateway: 1)).StatusCode);
    }

    [Theory]
    [InlineData("allow", "60s", "15m", 899, 300, true)]
    [InlineData("allow", "60s", "15m", 900, 300, false)]
    [InlineData("allow", "60s", "0s", 9000, 300, true)]      // no limit
    [InlineData("allow", "60s", "30s", 75, 300, true)]       // the next answer is not due yet: 1.1 intervals and the time limit
    [InlineData("allow", "60s", "30s", 76, 300, false)]
    [InlineData("allow", "60s", "15m", 800, -500, true)]     // an expired token can wait for its renewal as with an IdP that is away
    [InlineData("deny", "60s", "15m", 75, 300, true)]        // where failures deny, the first check that does not come is one
    [InlineData("deny", "60s", "15m", 76, 300, false)]
    [InlineData("deny", "60s", "15m", 10, 0, false)]         // and so is the renewal of an expired token
    [InlineData("allow", "0s", "15m", 9000, -899, true)]     // without checks the end of the token is when the IdP is asked
    [InlineData("allow", "0s", "15m", 9000, -900, false)]
    [InlineData("deny", "0s", "15m", 9000, 1, true)]
    [InlineData("deny", "0s", "15m", 9000, 0, false)]
    public void In_grace_the_last_word_counts_as_long_as_without_the_IdP(
        string onFailure, string interval, string limit, int verifiedAgo, int tokenLeft, bool counts)
    {
        const long Now = 1_000_000_000;
        var settings = IdleGateway.Settings(IdleGateway.Nowhere, ("revocation.onStoreUnavailable", "grace(1h)"), ("revalidation.onFailure", onFailure),
            ("revalidation.interval", interval), ("revalidation.maxUnverifiedAge", limit));
        var grace = new StoreGrace(new RevocationView(TimeProvider.System, TimeSpan.FromSeconds(5)), settings, new Lines());
        Assert.Equal(counts, grace.LastWordCounts(new CachedSession { VerifiedAt = Now - verifiedAgo, AccessExpiresAt = Now + tokenLeft }, Now));
    }

    // The backup that is restored may lack what this replica knows to be revoked: there is no age to count the grace from.
    [Fact]
    public void It_counts_from_the_last_completed_read_and_never_after_the_feed_went_back()
    {
        var clock = new ManualClock(TimeProvider.System.GetUtcNow());
        var view = new RevocationView(clock, TimeSpan.FromSeconds(5));
        var lines = new Lines();
        var grace = new StoreGrace(view, IdleGateway.Settings(IdleGateway.Nowhere, ("revocation.onStoreUnavailable", "grace(30s)")), lines);
        grace.Announce();
        grace.Tell(storeAway: true);
        Assert.False(grace.Holds);

        view.Completed(clock.GetTimestamp(), 1);
        clock.Advance(TimeSpan.FromSeconds(5));
        grace.Tell(storeAway: true);
        Assert.Equal((true, false), (grace.Holds, grace.Begun));
        clock.Advance(TimeSpan.FromSeconds(1));
        grace.Tell(storeAway: true);
        Assert.True(grace.Begun);
        clock.Advance(TimeSpan.FromSeconds(29));
        Assert.True(grace.Holds);
        clock.Advance(TimeSpan.FromTicks(1));
        Assert.False(grace.Holds);
        grace.Tell(storeAway: true);

        view.Completed(clock.GetTimestamp(), 1);
        view.Reset();
        Assert.False(grace.Holds);
        Assert.Equal([1056, 1057, 1058], lines.Ids);
    }

    private async Task<World> StartAsync(string onStoreUnavailable)
    {
        var server = new NpgsqlConnectionStringBuilder(_store!.ConnectionString) { Host = "127.0.0.1", Port = _link!.Port };
        return await World.StartAsync(_store, gateways: 2, settings: new Dictionary<string, string>
        {
            ["postgres.connectionString"] = server.ConnectionString,
            ["revocation.bound"] = "1s",
            ["revocation.pollInterval"] = "200ms",
            ["revocation.onStoreUnavailable"] = onStoreUnavailable,
        });
    }

    private static async Task<Browser> SignInElsewhereAsync(World world)
    {
        world.Idp.SignInAs(new StubUser("elsewhere"));
        var browser = world.NewBrowser();
        await browser.OpenAsync(gateway: 1);
        return browser;
    }

    private static async Task<(string Setting, bool InGrace)> StatusAsync(World world, int gateway = 0)
    {
        var revocations = JsonDocument.Parse(await TextAsync(world, "/status", gateway)).RootElement.GetProperty("revocations");
        return (revocations.GetProperty("onStoreUnavailable").GetString()!, revocations.GetProperty("inGrace").GetBoolean());
    }

    private static Task<string> TextAsync(World world, string path, int gateway = 0) =>
        Http.GetStringAsync(new Uri(world.Gateways[gateway].Operations, path));

    /// <summary>Remembers which lines were logged.</summary>
    private sealed class Lines : ILogger<StoreGrace>
    {
        public List<int> Ids { get; } = [];

        public IDisposable? BeginScope<TState>(TState state) where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state,
            Exception? exception, Func<TState, Exception?, string> formatter) => Ids.Add(eventId.Id);
    }
}
