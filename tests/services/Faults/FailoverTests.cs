using System.Globalization;
using System.Net;
using EventAuth.Gateway.Cache;
using EventAuth.Guarantee.Links;
using EventAuth.Services.Tests.Harness;
using EventAuth.StubIdp;
using Microsoft.Extensions.DependencyInjection;

namespace EventAuth.Services.Tests.Faults;

/// <summary>The primary dies and a standby takes over, or a backup is restored.</summary>
[Collection(OwnPostgres.Name)]
public sealed class FailoverTests
{
    // F16: what was acknowledged is on the standby too, because the commit waited for it.
    [OwnPostgresFact]
    public async Task After_a_failover_to_a_synchronous_standby_no_acknowledged_logout_is_lost_and_sessions_live_on()
    {
        for (var round = 0; round < LongRun.Times(1, 10); round++)
        {
            await using var primary = await PrivatePostgres.StartAsync();
            await using var standby = await PrivatePostgres.StandbyAsync("standby", primary.Port);
            await using var link = new TcpProxy("127.0.0.1", primary.Port);
            await using var before = new TestStore(primary);
            await primary.ConfigureAsync(["synchronous_standby_names = 'standby'"]);
            await primary.ReloadAsync();
            await Until.TrueAsync("the standby is synchronous", async () =>
                (await before.QueryAsync("select count(*) from pg_stat_replication where sync_state = 'sync'"))[0][0] == "1");
            await using var world = await StartAsync(before, link);
            var (alice, carol) = (await world.SignInAsync(new StubUser("alice")), await world.SignInAsync(new StubUser("carol")));
            await LogOutAsync(world, "carol");
            using var done = new CancellationTokenSource();
            var load = new LogoutLoad(world.Idp, new Uri(world.Logout.Public, "/backchannel-logout"));
            var running = load.RunAsync(workers: 4, done.Token);
            await Until.TrueAsync("the load runs", () => load.Acknowledged > 50);

            await primary.KillAsync();
            await standby.PromoteAsync();
            link.LeadTo("127.0.0.1", standby.Port);
            var acknowledged = load.Acknowledged;

            await using var after = new TestStore(standby);
            await Until.TrueAsync("the session lives on and sign-outs are taken", async () =>
            {
                Assert.NotEqual(HttpStatusCode.OK, (await carol.CallAsync()).StatusCode);
                return (await alice.CallAsync()).StatusCode == HttpStatusCode.OK && load.Acknowledged > acknowledged + 10;
            });
            await done.CancelAsync();
            await running;
            await load.AssertStoredAsync(after);
            Assert.Equal(HttpStatusCode.Unauthorized, (await carol.CallAsync()).StatusCode);
            await LogOutAsync(world, "alice");
            await RefusedAsync(alice);
        }
    }

    // F17: the standby lagged. What it never got is lost, which must be noticed and not served from memory.
    [OwnPostgresFact]
    public async Task After_a_failover_to_a_standby_that_lagged_the_gateway_notices_and_trusts_nothing_from_before()
    {
        await using var primary = await PrivatePostgres.StartAsync();
        await using var replication = new TcpProxy("127.0.0.1", primary.Port);
        await using var standby = await PrivatePostgres.StandbyAsync("standby", replication.Port);
        await using var link = new TcpProxy("127.0.0.1", primary.Port);
        await using var before = new TestStore(primary);
        await using var world = await StartAsync(before, link);
        var alice = await world.SignInAsync(new StubUser("alice"));
        await LogOutAsync(world, "somebody");
        await Until.TrueAsync("the standby has followed so far", async () =>
            (await new TestStore(standby).QueryAsync("select count(*) from eventauth.revocation"))[0][0] == "1");

        replication.Link = Link.Cut;
        var dave = await world.SignInAsync(new StubUser("dave"));
        await LogOutAsync(world, "carol");
        await SeenByAsync(world, before);
        await primary.KillAsync();
        await standby.PromoteAsync();
        link.LeadTo("127.0.0.1", standby.Port);

        await using var after = new TestStore(standby);
        await AssertRegressionAsync(world, after, alice, dave);
    }

    // F43: the data of some time ago are put back under the running services.
    [OwnPostgresFact]
    public async Task After_the_restore_of_a_backup_sessions_begun_after_it_are_refused_and_all_others_checked_again()
    {
        await using var server = await PrivatePostgres.StartAsync();
        await using var store = new TestStore(server);
        await using var link = new TcpProxy("127.0.0.1", server.Port);
        await using var world = await StartAsync(store, link);
        var alice = await world.SignInAsync(new StubUser("alice"));
        await LogOutAsync(world, "somebody");
        await server.StopAsync("fast");
        await server.BackUpAsync();
        await server.StartAgainAsync();
        await Until.TrueAsync("all is well", async () => (await alice.CallAsync()).StatusCode == HttpStatusCode.OK);
        await Until.TrueAsync("the gateway is ready", world.Gateways[0].IsReadyAsync);

        world.Idp.SignInAs(new StubUser("dave"));
        var dave = world.NewBrowser();
        await Until.TrueAsync("somebody can sign in", async () => (await dave.OpenAsync("/x")).StatusCode == HttpStatusCode.OK);
        await LogOutAsync(world, "carol");
        await SeenByAsync(world, store);
        await server.StopAsync("immediate");
        await server.RestoreAsync();
        await server.StartAgainAsync();

        await AssertRegressionAsync(world, store, alice, dave);
    }

    private static async Task AssertRegressionAsync(World world, TestStore after, Browser alice, Browser dave)
    {
        await Until.TrueAsync("the gateway has noticed and read everything anew", async () =>
            AppliedBy(world) == await HeadAsync(after) && await world.Gateways[0].IsReadyAsync());
        Assert.Equal(HttpStatusCode.Unauthorized, await KnownAsync(dave));
        Assert.Equal(HttpStatusCode.OK, await KnownAsync(alice));

        // Whoever was signed out in the lost stretch is back: the IdP is to be asked about everybody, now.
        await Until.TrueAsync("everybody's next check is due", async () => (await after.QueryAsync(
            "select count(*) from eventauth.session where ended_at is null and next_check_at > clock_timestamp()"))[0][0] == "0");
        using var http = new HttpClient();
        Assert.Contains("eventauth_feed_regressions_total 1", await http.GetStringAsync(new Uri(world.Gateways[0].Operations, "/metrics")), StringComparison.Ordinal);

        // Positions are used a second time: they must hit as if it were the first.
        await LogOutAsync(world, "alice");
        await RefusedAsync(alice);
    }

    // A connection that broke with the old server may be met once more: "not known" is an answer, and not the one waited for.
    private static async Task<HttpStatusCode> KnownAsync(Browser browser)
    {
        HttpStatusCode status = default;
        await Until.TrueAsync("the gateway knows", async () =>
            (status = (await browser.CallAsync()).StatusCode) != HttpStatusCode.ServiceUnavailable, TimeSpan.FromSeconds(5));
        return status;
    }

    private static Task<World> StartAsync(TestStore store, TcpProxy link) => World.StartAsync(store, settings: new Dictionary<string, string>
    {
        ["postgres.connectionString"] = PrivatePostgres.StringFor("127.0.0.1", link.Port),
        ["revocation.bound"] = "2s",
        ["revocation.pollInterval"] = "200ms",
    });

    private static Task LogOutAsync(World world, string sub)
    {
        var token = world.Idp.LogoutToken(sub, null);
        return Until.TrueAsync("the logout is taken", async () => await world.Idp.PostLogoutTokenAsync(
            new Uri(world.Logout.Public, "/backchannel-logout"), token, CancellationToken.None) == 200);
    }

    private static Task RefusedAsync(Browser browser) => Until.TrueAsync("the gateway refuses",
        async () => (await browser.CallAsync()).StatusCode == HttpStatusCode.Unauthorized, TimeSpan.FromSeconds(5));

    private static Task SeenByAsync(World world, TestStore store) => Until.TrueAsync("the gateway has read everything",
        async () => AppliedBy(world) == await HeadAsync(store));

    private static long AppliedBy(World world) => world.Gateways[0].Services.GetRequiredService<RevocationView>().Applied;

    private static async Task<long> HeadAsync(TestStore store) => long.Parse(
        (await store.QueryAsync("select coalesce(max(position), 0) from eventauth.revocation"))[0][0], CultureInfo.InvariantCulture);
}
