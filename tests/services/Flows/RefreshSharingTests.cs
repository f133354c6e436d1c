using System.Net;
using System.Text.Json;
using System.Text.Json.Nodes;
using EventAuth.Adapters.Refresh;
using EventAuth.Adapters.Telemetry;
using EventAuth.Domain.Refresh;
using EventAuth.Services.Tests.Harness;
using EventAuth.StubIdp;

namespace EventAuth.Services.Tests.Flows;

/// <summary>Who comes while a refresh is under way shares what becomes of it; who comes later finds its result, never its failure.</summary>
public sealed class RefreshSharingTests
{
    // The browser that happened to be first is closed: whoever waits for the same renewal must not pay for that.
    [StoreFact]
    public async Task A_client_that_goes_away_cancels_nothing()
    {
        await using var world = await RefreshWorld.StartAsync("goneaway", stands: true, idp: null, ("refresh.timeout", "10s"), ("refresh.lease", "15s"));
        var (browser, _) = await world.SignInAsync();
        var hold = world.HoldAt(0, Failpoints.RefreshAfterIdp);
        world.Advance(TimeSpan.FromMinutes(5));
        using var impatient = new HttpClient();
        using var request = new HttpRequestMessage(HttpMethod.Get, new Uri(world.Services.Gateways[0].Public, "/verify"));
        Array.ForEach([("Method", "GET"), ("Proto", "http"), ("Host", World.Host), ("Uri", "/")], h => request.Headers.Add($"X-Forwarded-{h.Item1}", h.Item2));
        request.Headers.Add("Cookie", $"eventauth={browser.SessionCookie}");
        using var leave = new CancellationTokenSource();
        var first = impatient.SendAsync(request, leave.Token);
        await hold.ReachedAsync();
        var second = browser.CallAsync();

        await leave.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => first);
        hold.Release();

        Assert.Equal(HttpStatusCode.OK, (await second).StatusCode);
        Assert.Equal(1, world.Calls);
    }

    // Each replica asking once more, one after the other, would make the last request wait for as many time-outs as replicas.
    [StoreFact]
    public async Task A_failure_is_shared_by_all_who_waited_for_it_on_every_gateway_and_by_nobody_after_them()
    {
        await using var world = await RefreshWorld.StartAsync("sharedfailure");
        var (_, id) = await world.SignInAsync();
        world.Idp.Script(StubEndpoint.Token, StubAnswer.Error("invalid_client", 401));
        var hold = world.HoldAt(0, Failpoints.RefreshAfterIdp);
        var first = world.RefreshAsync(0, id);
        await hold.ReachedAsync();
        var others = new[] { world.RefreshAsync(0, id), world.RefreshAsync(1, id), world.RefreshAsync(1, id) };
        await Until.TrueAsync("the other gateway waits", async () =>
            (await world.QueryAsync("select waiting from eventauth.session_token"))[0][0] == "True");
        hold.Release();

        foreach (var outcome in await Task.WhenAll([first, .. others]))
        {
            Assert.Equal("invalid_client", Assert.IsType<ProviderAnswer.Misconfigured>(Assert.IsType<RefreshOutcome.Failed>(outcome).Answer).Code);
        }

        Assert.Equal(1, world.Calls);
        Assert.IsType<RefreshOutcome.Renewed>(await world.RefreshAsync(1, id));
        Assert.Equal(2, world.Calls);
    }

    // A result kept for five seconds under the token's hash made a replica that came later ask with a token that was used up.
    [StoreFact]
    public async Task A_gateway_that_comes_twenty_seconds_later_finds_the_result_and_does_not_ask()
    {
        await using var world = await RefreshWorld.StartAsync("late", stands: true);
        var (browser, id) = await world.SignInAsync();
        world.Advance(TimeSpan.FromMinutes(5));
        Assert.Equal(HttpStatusCode.OK, (await browser.CallAsync(gateway: 0)).StatusCode);
        world.Advance(TimeSpan.FromSeconds(20));

        Assert.IsType<RefreshOutcome.Renewed>(await world.RefreshAsync(1, id, version: 1));
        Assert.Equal(HttpStatusCode.OK, (await browser.CallAsync(gateway: 1)).StatusCode);
        Assert.Equal(1, world.Calls);
    }

    // A kept result that had expired was handed out as if it were fresh.
    [StoreFact]
    public async Task A_result_that_has_expired_meanwhile_is_no_result()
    {
        await using var world = await RefreshWorld.StartAsync("expiredresult", stands: true);
        var (browser, _) = await world.SignInAsync();
        world.Advance(TimeSpan.FromMinutes(5));
        Assert.Equal(HttpStatusCode.OK, (await browser.CallAsync(gateway: 0)).StatusCode);
        world.Advance(TimeSpan.FromMinutes(5));

        Assert.Equal(HttpStatusCode.OK, (await browser.CallAsync(gateway: 1)).StatusCode);
        Assert.Equal(2, world.Calls);
    }

    [StoreFact]
    public async Task Without_tokens_on_record_a_program_gets_401_and_a_page_a_new_login()
    {
        await using var world = await RefreshWorld.StartAsync("norecord", stands: true);
        var (browser, _) = await world.SignInAsync();
        await world.Store.ExecuteAsync("delete from eventauth.session_token");
        world.Advance(TimeSpan.FromMinutes(5));

        Assert.Equal(HttpStatusCode.Unauthorized, (await browser.CallAsync()).StatusCode);
        Assert.Equal(HttpStatusCode.Found, (await browser.VerifyAsync(gateway: 1)).StatusCode);
        Assert.Equal(0, world.Calls);
    }

    // Where no checks are made, the ID token of a refresh is all that tells of a group that was taken away.
    [StoreFact]
    public async Task Without_checks_the_groups_are_those_of_the_last_refresh()
    {
        await using var world = await RefreshWorld.StartAsync("groups", stands: true);
        world.Idp.SignInAs(new StubUser("ada") { Groups = ["admins"] });
        var browser = world.Services.NewBrowser();
        await browser.OpenAsync("/x");
        Assert.Equal(HttpStatusCode.OK, (await browser.CallAsync("/admin", gateway: 1)).StatusCode);

        world.Idp.Change(new StubUser("ada") { Groups = ["staff"] });
        world.Advance(TimeSpan.FromMinutes(5));
        Assert.Equal(HttpStatusCode.Forbidden, (await browser.CallAsync("/admin")).StatusCode);
        Assert.Equal(HttpStatusCode.Forbidden, (await browser.CallAsync("/admin", gateway: 1)).StatusCode);
        Assert.Equal(["""["staff"]"""], Assert.Single(await world.QueryAsync(
            "select data ->> 'groups' from eventauth_events.mt_events where type = 'session_claims_changed'")));
    }

    // The IdP goes down shortly before the token expires: until then there is nothing to ask it.
    [StoreFact]
    public async Task With_a_valid_token_the_request_is_served_while_the_IdP_is_away()
    {
        await using var world = await RefreshWorld.StartAsync("validtoken", stands: true);
        var (browser, _) = await world.SignInAsync();
        world.Idp.Always(StubEndpoint.Token, StubAnswer.Empty(503));
        world.Advance(TimeSpan.FromSeconds(270));
        await Until.TrueAsync("the feed is fresh again", () =>
        {
            world.Advance(TimeSpan.FromMilliseconds(100));
            return world.Services.Gateways[0].IsReadyAsync();
        });

        Assert.Equal(HttpStatusCode.OK, (await browser.CallAsync()).StatusCode);
        await Until.TrueAsync("the renewal behind it has failed", async () =>
            (await world.QueryAsync("select 1 from eventauth_events.mt_events where type = 'session_refresh_failed'")).Count == 1);

        // A session in use does not ask with every request: the next try is some seconds later.
        Assert.Equal(HttpStatusCode.OK, (await browser.CallAsync()).StatusCode);
        world.Advance(TimeSpan.FromSeconds(5));
        await Until.TrueAsync("it has asked again", async () => (await browser.CallAsync()).StatusCode == HttpStatusCode.OK && world.Calls >= 2);
        Assert.Equal(2, world.Calls);
    }

    // Many IdPs rotate nothing and send no ID token with a refresh.
    [StoreFact]
    public async Task Without_a_new_refresh_token_or_ID_token_the_old_refresh_token_goes_on()
    {
        await using var world = await RefreshWorld.StartAsync("norotation", idp: new StubOptions { RotatesRefreshTokens = false });
        var (_, id) = await world.SignInAsync();
        world.Idp.Script(StubEndpoint.Token, StubAnswer.Json(200, new { access_token = "opaque", token_type = "Bearer", expires_in = 300 }));

        var bare = Assert.IsType<RefreshOutcome.Renewed>(await world.RefreshAsync(0, id));
        Assert.Null(bare.Claims);
        Assert.NotNull(bare.Tokens!.IdToken);
        Assert.IsType<RefreshOutcome.Renewed>(await world.RefreshAsync(1, id, version: 2));

        var sent = world.Idp.Log.All.Where(r => r.Parameters.GetValueOrDefault("grant_type") == "refresh_token").Select(r => r.Parameters["refresh_token"]);
        Assert.Single(sent.Distinct());
        Assert.Equal(2, world.Calls);
    }

    // The token of another person, or of another issuer, in the answer to our refresh: nobody may go on with that.
    [StoreTheory]
    [InlineData("sub", "mallory")]
    [InlineData("iss", "https://other.example")]
    public async Task An_ID_token_of_somebody_else_ends_the_session(string claim, string value)
    {
        await using var world = await RefreshWorld.StartAsync("identity" + claim);
        var (browser, id) = await world.SignInAsync();
        var now = TimeProvider.System.GetUtcNow().ToUnixTimeSeconds();
        var claims = new JsonObject
        {
            ["iss"] = world.Idp.Issuer,
            ["aud"] = world.Idp.Options.ClientId,
            ["sub"] = "alice",
            ["iat"] = now,
            ["exp"] = now + 120,
            [claim] = value,
        };
        world.Idp.Script(StubEndpoint.Token, StubAnswer.Json(200, new
        {
            access_token = "opaque",
            token_type = "Bearer",
            expires_in = 300,
            id_token = world.Idp.SigningKeys.Sign(claims, type: null),
        }));

        Assert.IsType<RefreshOutcome.Ended>(await world.RefreshAsync(0, id));
        Assert.Equal(["IdentityChanged"], await world.EndReasonsAsync());
        await Until.TrueAsync("both refuse", async () => (await browser.CallAsync(gateway: 0)).StatusCode == HttpStatusCode.Unauthorized
            && (await browser.CallAsync(gateway: 1)).StatusCode == HttpStatusCode.Unauthorized);
    }

    [StoreFact]
    public async Task Status_and_metrics_tell_how_refreshes_go()
    {
        await using var world = await RefreshWorld.StartAsync("figures");
        var (_, id) = await world.SignInAsync();
        world.Idp.Script(StubEndpoint.Token, StubAnswer.Empty(500));
        await world.RefreshAsync(0, id);
        var hold = world.HoldAt(0, Failpoints.RefreshAfterIdp);
        var first = world.RefreshAsync(0, id);
        await hold.ReachedAsync();
        var second = world.RefreshAsync(0, id);

        var during = await StatusAsync(world);
        Assert.Equal((1, 1), (during.GetProperty("inFlight").GetInt32(), during.GetProperty("waiting").GetInt32()));
        hold.Release();
        await Task.WhenAll(first, second);

        var after = await StatusAsync(world);
        Assert.Equal((0, 0), (after.GetProperty("inFlight").GetInt32(), after.GetProperty("waiting").GetInt32()));
        Assert.Equal((2, 1), (after.GetProperty("started").GetInt32(), after.GetProperty("joined").GetInt32()));
        Assert.Equal("""{"granted":1,"outcome-unknown":1}""", JsonSerializer.Serialize(after.GetProperty("byOutcome")));
        using var http = new HttpClient();
        var metrics = await http.GetStringAsync(new Uri(world.Services.Gateways[0].Operations, "/metrics"));
        Assert.Contains("eventauth_refreshes_total{outcome=\"outcome-unknown\"} 1", metrics, StringComparison.Ordinal);
        Assert.Contains("eventauth_refreshes_started_total 2", metrics, StringComparison.Ordinal);
        Assert.Contains("eventauth_refreshes_in_flight 0", metrics, StringComparison.Ordinal);
        Assert.Contains("eventauth_refreshes_waiting 0", metrics, StringComparison.Ordinal);
    }

    private static async Task<JsonElement> StatusAsync(RefreshWorld world)
    {
        using var http = new HttpClient();
        using var status = JsonDocument.Parse(await http.GetStringAsync(new Uri(world.Services.Gateways[0].Operations, "/status")));
        return status.RootElement.GetProperty("refresh").Clone();
    }
}
