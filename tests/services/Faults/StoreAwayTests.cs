using System.Diagnostics;
using System.Net;
using EventAuth.Adapters.Telemetry;
using EventAuth.Guarantee.Links;
using EventAuth.Services.Tests.Harness;
using EventAuth.StubIdp;
using Microsoft.Extensions.DependencyInjection;
using Npgsql;

namespace EventAuth.Services.Tests.Faults;

/// <summary>A gateway that cannot reach the store answers from memory until the bound has passed, then it does not know.</summary>
public sealed class StoreAwayTests : IAsyncLifetime
{
    private TestStore? _store;
    private TcpProxy? _link;
    private World? _world;

    public async Task InitializeAsync()
    {
        if (!TestStore.IsConfigured)
        {
            return;
        }

        _store = await TestStore.CreateAsync("away");
        var server = new NpgsqlConnectionStringBuilder(_store.ConnectionString);
        _link = new TcpProxy(server.Host!, server.Port);
        server.Host = "127.0.0.1";
        server.Port = _link.Port;
        _world = await World.StartAsync(_store, settings: new Dictionary<string, string>
        {
            ["postgres.connectionString"] = server.ConnectionString,
            ["revocation.bound"] = "2s",
            ["revocation.pollInterval"] = "200ms",
        });
    }

    public async Task DisposeAsync()
    {
        await (_world?.DisposeAsync() ?? default);
        await (_link?.DisposeAsync() ?? default);
        await (_store?.DisposeAsync() ?? default);
    }

    [StoreTheory]
    [InlineData(nameof(Link.Cut))]
    [InlineData(nameof(Link.Blackhole))]
    [InlineData(nameof(Link.LosesAnswers))]
    public async Task Cached_sessions_pass_until_the_bound_and_then_get_503_until_the_store_is_back(string fault)
    {
        _world!.Idp.SignInAs(new StubUser("alice"));
        var browser = _world.NewBrowser();
        await browser.OpenAsync();

        _link!.Link = Enum.Parse<Link>(fault);
        Assert.Equal(HttpStatusCode.OK, (await browser.CallAsync()).StatusCode);
        HttpResponseMessage? answer = null;
        await Until.TrueAsync("the gateway no longer trusts its memory", async () =>
            (answer = await browser.CallAsync()).StatusCode == HttpStatusCode.ServiceUnavailable);
        Assert.NotNull(answer!.Headers.RetryAfter);
        Assert.False(await _world.Gateways[0].IsReadyAsync());

        _link.Link = Link.Forwards;
        await Until.TrueAsync("the session passes again", async () => (await browser.CallAsync()).StatusCode == HttpStatusCode.OK);
    }

    // What the IdP gives out could not be kept, and the token that was used up for it would be lost.
    [StoreFact]
    public async Task No_refresh_token_is_used_while_what_comes_of_it_cannot_be_stored()
    {
        var clock = new ManualClock(TimeProvider.System.GetUtcNow());
        var server = new NpgsqlConnectionStringBuilder(_store!.ConnectionString) { Host = "127.0.0.1", Port = _link!.Port };
        await using var world = await World.StartAsync(_store, idp: new StubOptions { Clock = clock }, clock: clock, settings: new Dictionary<string, string>
        {
            ["postgres.connectionString"] = server.ConnectionString,
            ["revocation.bound"] = "1h",
        });
        var browser = await world.SignInAsync(new StubUser("alice"));
        _link.Link = Link.Cut;
        clock.Advance(TimeSpan.FromMinutes(5));
        Assert.Equal(HttpStatusCode.ServiceUnavailable, (await browser.CallAsync()).StatusCode);
        Assert.Equal(0, world.Idp.Log.Grants("refresh_token"));

        _link.Link = Link.Forwards;
        await Until.TrueAsync("the session passes again", async () => (await browser.CallAsync()).StatusCode == HttpStatusCode.OK);
        Assert.Equal(1, world.Idp.Log.Grants("refresh_token"));
    }

    [StoreFact]
    public async Task The_webhook_says_503_and_never_200_while_it_cannot_store_a_logout()
    {
        var webhook = new Uri(_world!.Logout.Public, "/backchannel-logout");
        _link!.Link = Link.Cut;

        Assert.Equal(503, await _world.Idp.SendLogoutTokenAsync(webhook, "alice", null, CancellationToken.None));
    }

    // F13: the IdP comes again with the same token until it is taken.
    [StoreFact]
    public async Task A_logout_that_is_sent_again_and_again_while_the_store_is_away_becomes_one_event()
    {
        var webhook = new Uri(_world!.Logout.Public, "/backchannel-logout");
        var token = _world.Idp.LogoutToken("alice", null);
        _link!.Link = Link.Cut;
        for (var i = 0; i < 3; i++)
        {
            Assert.Equal(503, await _world.Idp.PostLogoutTokenAsync(webhook, token, CancellationToken.None));
        }

        _link.Link = Link.Forwards;
        await Until.TrueAsync("the token is taken", async () => await _world.Idp.PostLogoutTokenAsync(webhook, token, CancellationToken.None) == 200);
        Assert.Equal(200, await _world.Idp.PostLogoutTokenAsync(webhook, token, CancellationToken.None));
        Assert.Equal("1", await RevokedEventsAsync());
    }

    // F34, one way: the commit arrives and its answer is lost. "Not known" must not become 200, nor a second event later.
    [StoreFact]
    public async Task A_logout_whose_commit_was_not_confirmed_is_503_and_the_repetition_adds_nothing()
    {
        var webhook = new Uri(_world!.Logout.Public, "/backchannel-logout");
        var token = _world.Idp.LogoutToken("alice", null);
        await Task.WhenAll(Enumerable.Range(0, 5).Select(i => _world.Idp.SendLogoutTokenAsync(webhook, $"before-{i}", null, CancellationToken.None)));
        _world.Logout.Services.GetRequiredService<Failpoints>().Set(Failpoints.WebhookBeforeAppend, () =>
        {
            _link!.Link = Link.LosesAnswers;
            return Task.CompletedTask;
        });
        var sentAt = Stopwatch.GetTimestamp();
        Assert.Equal(503, await _world.Idp.PostLogoutTokenAsync(webhook, token, CancellationToken.None));
        Assert.True(Stopwatch.GetElapsedTime(sentAt) < TimeSpan.FromSeconds(5), $"the IdP waited {Stopwatch.GetElapsedTime(sentAt)}");
        await Until.TrueAsync("the commit is there all the same", async () => await RevokedEventsAsync() == "1");

        _world.Logout.Services.GetRequiredService<Failpoints>().Set(Failpoints.WebhookBeforeAppend, null);
        _link!.Link = Link.Forwards;
        await Until.TrueAsync("the token is taken", async () => await _world.Idp.PostLogoutTokenAsync(webhook, token, CancellationToken.None) == 200);
        Assert.Equal("1", await RevokedEventsAsync());
    }

    [StoreFact]
    public async Task A_public_path_stays_open_while_the_store_is_away()
    {
        _link!.Link = Link.Cut;

        Assert.Equal(HttpStatusCode.OK, (await _world!.NewBrowser().CallAsync("/public/x")).StatusCode);
    }

    private async Task<string> RevokedEventsAsync() => (await _store!.QueryAsync(
        "select count(*) from eventauth_events.mt_events where type = 'subject_revoked' and data->>'sub' = 'alice'"))[0][0];
}
