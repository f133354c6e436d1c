using System.Net;
using System.Net.Http.Json;
using EventAuth.Guarantee.Links;
using EventAuth.Services.Tests.Harness;
using EventAuth.StubIdp;
using Npgsql;

namespace EventAuth.Services.Tests.Bearer;

/// <summary>
/// A token that lives for a day is taken from a laptop. Elsewhere nothing stops it before the day is over; here a revocation
/// of its person, its session at the IdP, everybody, or the token itself stops it at every replica like a session.
/// </summary>
public sealed class TokenRevocationTests(TokenRevocationTests.Fixture fixture) : IClassFixture<TokenRevocationTests.Fixture>
{
    private static readonly StubUser Root = new("root") { Groups = ["admins"] };
    private readonly World _world = fixture.World;

    private StubProvider Idp => _world.Idp;

    [StoreFact]
    public async Task Logging_a_person_out_stops_their_tokens_at_every_replica_and_no_others()
    {
        var (token, other) = (Idp.Token("alice"), Idp.Token("bob"));
        await AcceptedEverywhereAsync(token, other);

        Assert.Equal(200, await Idp.SendLogoutTokenAsync(new Uri(_world.Logout.Public, "/backchannel-logout"), "alice", null, default));

        await RefusedEverywhereAsync(token);
        Assert.Equal(HttpStatusCode.OK, await _world.StatusAsync(other));
    }

    // No lock-out: who signs in again a moment later has tokens that were issued after. Clocks get five seconds.
    [StoreFact]
    public async Task A_token_issued_after_the_revocation_is_accepted()
    {
        var old = Idp.Token("carol");
        await AcceptedEverywhereAsync(old);
        Assert.Equal(200, await Idp.SendLogoutTokenAsync(new Uri(_world.Logout.Public, "/backchannel-logout"), "carol", null, default));
        await RefusedEverywhereAsync(old);

        var now = TimeProvider.System.GetUtcNow().ToUnixTimeSeconds();
        Assert.Equal(HttpStatusCode.Unauthorized, await _world.StatusAsync(Idp.Token("carol", c => c["iat"] = now + 1)));
        Assert.Equal(HttpStatusCode.OK, await _world.StatusAsync(Idp.Token("carol", c => c["iat"] = now + 20)));
    }

    [StoreFact]
    public async Task Logging_a_session_of_the_IdP_out_stops_the_tokens_that_name_it()
    {
        var (here, elsewhere) = (Idp.Token("dave", c => c["sid"] = "laptop"), Idp.Token("dave", c => c["sid"] = "phone"));
        await AcceptedEverywhereAsync(here, elsewhere);

        Assert.Equal(200, await Idp.SendLogoutTokenAsync(new Uri(_world.Logout.Public, "/backchannel-logout"), "dave", "laptop", default));

        await RefusedEverywhereAsync(here);
        Assert.Equal(HttpStatusCode.OK, await _world.StatusAsync(elsewhere));
    }

    [StoreFact]
    public async Task An_administrator_takes_one_token_back_and_the_record_says_why()
    {
        var (token, other) = (Idp.Token("robot", c => c["jti"] = "stolen"), Idp.Token("robot"));
        await AcceptedEverywhereAsync(token, other);

        using var answer = await RevokeAsync("/api/tokens/revoke", new { issuer = Idp.Issuer, jti = "stolen", reason = "incident 7" });

        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        await RefusedEverywhereAsync(token);
        Assert.Equal(HttpStatusCode.OK, await _world.StatusAsync(other));
        var events = await fixture.Store.QueryAsync(
            "select data->>'jti', data->>'cause', data->>'source' from eventauth_events.mt_events where type = 'token_revoked' and data->>'jti' = 'stolen'");
        Assert.Equal(["stolen", "incident 7", "operator"], Assert.Single(events));
    }

    [StoreFact]
    public async Task An_administrator_stops_a_program_that_never_had_a_session()
    {
        var token = Idp.Token("batch-job");
        await AcceptedEverywhereAsync(token);

        using var answer = await RevokeAsync("/api/subjects/revoke", new { issuer = Idp.Issuer, sub = "batch-job", reason = "key leaked" });

        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        await RefusedEverywhereAsync(token);
    }

    [StoreFact]
    public async Task Nobody_without_a_rule_takes_tokens_back()
    {
        var alice = await _world.SignInAsync(new StubUser("eve"));
        foreach (var path in new[] { "/api/tokens/revoke", "/api/subjects/revoke" })
        {
            using var answer = await SendAsync(alice, path, new { issuer = Idp.Issuer, jti = "x", sub = "y", reason = "spite" });
            Assert.Equal(HttpStatusCode.Forbidden, answer.StatusCode);
            using var nobody = await SendAsync(_world.NewBrowser(), path, new { issuer = Idp.Issuer, jti = "x", sub = "y", reason = "spite" });
            Assert.Equal(HttpStatusCode.Unauthorized, nobody.StatusCode);
        }
    }

    [StoreTheory]
    [InlineData("{}")]
    [InlineData("""{"issuer":"https://x","reason":"r"}""")]
    [InlineData("""{"issuer":7,"jti":"a","reason":"r"}""")]
    [InlineData("""{"issuer":"https://x","jti":"","reason":"r"}""")]
    [InlineData("""{"issuer":"https://x","jti":"a"}""")]
    [InlineData("[]")]
    public async Task A_call_that_does_not_say_whose_and_why_is_told_so(string body)
    {
        var root = await _world.SignInAsync(Root);
        using var content = new StringContent(body, System.Text.Encoding.UTF8, "application/json");
        using var answer = await root.OwnAsync(HttpMethod.Post, "/api/tokens/revoke", content, change: r => r.Headers.Add("Origin", World.PublicUrl));
        Assert.Equal(HttpStatusCode.BadRequest, answer.StatusCode);
    }

    [StoreFact]
    public async Task A_gateway_that_starts_afterwards_knows_it_too()
    {
        var token = Idp.Token("frank");
        await AcceptedEverywhereAsync(token);
        Assert.Equal(200, await Idp.SendLogoutTokenAsync(new Uri(_world.Logout.Public, "/backchannel-logout"), "frank", null, default));
        await RefusedEverywhereAsync(token);

        await _world.AddGatewayAsync("latecomer");
        Assert.Equal(HttpStatusCode.Unauthorized, await _world.StatusAsync(token, gateway: _world.Gateways.Count - 1));
    }

    // Nobody can ask the store about a token: what cannot be known is 503, neither yes nor no.
    [StoreFact]
    public async Task While_the_store_is_away_tokens_pass_until_the_bound_and_then_nobody_knows()
    {
        await using var store = await TestStore.CreateAsync("token_away");
        var server = new NpgsqlConnectionStringBuilder(store.ConnectionString);
        await using var link = new TcpProxy(server.Host!, server.Port);
        (server.Host, server.Port) = ("127.0.0.1", link.Port);
        await using var world = await World.StartAsync(store, settings: BearerWorld.Settings(
            ("postgres.connectionString", server.ConnectionString), ("revocation.bound", "2s"), ("revocation.pollInterval", "200ms")));
        var token = world.Idp.Token("alice");
        Assert.Equal(HttpStatusCode.OK, await world.StatusAsync(token));

        link.Link = Link.Cut;
        await Until.TrueAsync("the gateway no longer trusts its memory", async () => await world.StatusAsync(token) == HttpStatusCode.ServiceUnavailable);
        Assert.Equal(HttpStatusCode.Unauthorized, await world.StatusAsync(world.Idp.Token("alice", c => c["exp"] = 1)));

        link.Link = Link.Forwards;
        await Until.TrueAsync("the token passes again", async () => await world.StatusAsync(token) == HttpStatusCode.OK);
    }

    [StoreFact]
    public async Task Signing_everyone_out_stops_every_token_of_before()
    {
        await using var store = await TestStore.CreateAsync("token_everybody");
        await using var world = await World.StartAsync(store, gateways: 2, settings: BearerWorld.Settings(("rules.2.path", "/api/everybody")));
        var token = world.Idp.Token("alice");
        Assert.Equal(HttpStatusCode.OK, await world.StatusAsync(token));
        using var answer = await SendAsync(await world.SignInAsync(Root), "/api/everybody/revoke", new { reason = "all of them" });
        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);

        for (var i = 0; i < 2; i++)
        {
            var gateway = i;
            await Until.TrueAsync("it is refused", async () => await world.StatusAsync(token, gateway: gateway) == HttpStatusCode.Unauthorized);
        }
    }

    private async Task AcceptedEverywhereAsync(params string[] tokens)
    {
        foreach (var token in tokens)
        {
            Assert.Equal(HttpStatusCode.OK, await _world.StatusAsync(token));
            Assert.Equal(HttpStatusCode.OK, await _world.StatusAsync(token, gateway: 1));
        }
    }

    private async Task RefusedEverywhereAsync(string token)
    {
        for (var i = 0; i < 2; i++)
        {
            var gateway = i;
            await Until.TrueAsync("it is refused", async () => await _world.StatusAsync(token, gateway: gateway) == HttpStatusCode.Unauthorized);
        }
    }

    private async Task<HttpResponseMessage> RevokeAsync(string path, object body) => await SendAsync(await _world.SignInAsync(Root), path, body);

    private static async Task<HttpResponseMessage> SendAsync(Browser browser, string path, object body)
    {
        using var content = JsonContent.Create(body);
        return await browser.OwnAsync(HttpMethod.Post, path, content, change: r => r.Headers.Add("Origin", World.PublicUrl));
    }

    public sealed class Fixture : WorldFixture
    {
        internal override Task<World> StartAsync(TestStore store) => World.StartAsync(store, gateways: 2, settings: BearerWorld.Settings(
            ("rules.0.path", "/api/tokens"), ("rules.0.access", ""), ("rules.0.groups", "admins"),
            ("rules.1.path", "/api/subjects"), ("rules.1.groups", "admins")));
    }
}
